using System.Net;
using AuthCluster.Fence;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Grains.Fencing;

/// <summary>One reading: the membership as the fence takes it, with the rows that it was made of, and the versions of keys and floor.</summary>
internal sealed record MembershipReading(Membership View, IReadOnlyDictionary<string, SiloRow> Rows, long KeysVersion, long Floor)
{
    // Orleans' SiloStatus, as rows have it.
    private const int Active = (int)SiloStatus.Active;
    private const int Dead = (int)SiloStatus.Dead;

    /// <summary>Whether a dead silo has no time of death yet: a build that stamps none declared it dead.</summary>
    public bool HasUnstampedDeath => Rows.Values.Any(row => row.Status == Dead && row.DeadFor is null);

    /// <summary>Takes what the database answered.</summary>
    /// <param name="reading">The answer.</param>
    /// <param name="began">When the reading began.</param>
    /// <param name="returned">When it returned.</param>
    /// <param name="self">The reading silo. It counts as joining until its row states its outage grace, since others must wait for the longest.</param>
    /// <param name="grace">The reading silo's outage grace.</param>
    public static MembershipReading Of(FenceReading reading, TimeSpan began, TimeSpan returned, string self, TimeSpan grace)
    {
        var rows = reading.Silos.Where(row => !row.HasEnded).ToDictionary(SiloNames.Of, StringComparer.Ordinal);
        var longest = rows.Values.Aggregate(grace, (longest, row) => row.OutageGrace > longest ? row.OutageGrace.Value : longest);
        var entries = rows.Select(row => new SiloEntry(
            row.Key,
            EndpointOf(row.Value),
            StandingOf(row.Value.Status) is SiloStanding.Active && row.Key == self && row.Value.OutageGrace is null
                ? SiloStanding.Joining
                : StandingOf(row.Value.Status),
            row.Value.DeadFor ?? TimeSpan.Zero));
        return new MembershipReading(new Membership(began, returned, longest, entries), rows, reading.KeysVersion, reading.Floor);
    }

    /// <summary>What the silos of one process know of each other.</summary>
    public static Membership Of(ClusterMembershipSnapshot members, TimeSpan now) => new(
        now,
        now,
        TimeSpan.Zero,
        members.Members.Values.Where(member => StandingOf((int)member.Status) != SiloStanding.Dead).Select(member => new SiloEntry(
            member.SiloAddress.ToString(), member.SiloAddress.Endpoint.ToString(), StandingOf((int)member.Status), TimeSpan.Zero)));

    private static string EndpointOf(SiloRow row) => new IPEndPoint(IPAddress.Parse(row.Address), row.Port).ToString();

    private static SiloStanding StandingOf(int status) =>
        status < Active ? SiloStanding.Joining : status >= Dead ? SiloStanding.Dead : SiloStanding.Active;
}
