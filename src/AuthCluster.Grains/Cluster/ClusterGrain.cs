using AuthCluster.Contracts.Cluster;
using AuthCluster.Grains.Fencing;

namespace AuthCluster.Grains.Cluster;

/// <summary>Asks each silo that is not dead for its report, and tells which silos may still decide by a state that answered writes have replaced.</summary>
[GrainType("cluster")]
internal sealed class ClusterGrain(
    IClusterMembershipService membership, ReportOfSilo reportOf, SiloRights rights, FreshReadings readings, VouchedEnds vouched, TimeProvider clock)
    : Grain, IClusterGrain
{
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromSeconds(1);

    public async Task<ClusterAnswer> DescribeAsync(CancellationToken cancellationToken = default)
    {
        var living = membership.CurrentSnapshot.Members.Values
            .Where(member => member.Status is SiloStatus.Joining or SiloStatus.Active or SiloStatus.ShuttingDown or SiloStatus.Stopping)
            .ToList();
        var reading = ReadAsync(cancellationToken);
        var reports = await Task.WhenAll(living.Select(member => AskAsync(member, cancellationToken)));
        await reading;
        var unconfirmed = reports
            .SelectMany(report => report is { Unconfirmed.IsDefault: false } ? report.Unconfirmed : [])
            .GroupBy(silo => silo.Silo, StringComparer.Ordinal)
            .ToDictionary(silo => silo.Key, silo => silo.Sum(one => one.Writes), StringComparer.Ordinal);
        // One snapshot decides for all, so that each silo is told once: one that died while it was asked counts among the dead alone.
        var (read, members) = (readings.Latest, membership.CurrentSnapshot);
        var records = living.Zip(reports, (member, report) => RecordOf(member, report, unconfirmed.GetValueOrDefault(member.SiloAddress.ToString())))
            .Where(silo => !IsDead(silo.Address, read, members));
        return new ClusterAnswer([.. records.Concat(DeadOnes(read, members)).OrderBy(silo => silo.Address, StringComparer.Ordinal)]);
    }

    public async Task<VouchEndedAnswer> VouchEndedAsync(VouchEndedCommand command, CancellationToken cancellationToken = default) =>
        new(await vouched.TakeAsync(command, cancellationToken));

    private SiloRecord RecordOf(ClusterMember member, SiloReport? report, int unconfirmed)
    {
        // If it were declared dead now, it might decide for as long as this.
        DateTimeOffset? until = unconfirmed > 0 ? clock.GetUtcNow() + rights.Times.DecidesAfterDeath(LongestGrace) : null;
        return new SiloRecord(member.SiloAddress.ToString(), member.Name, NameOf(member.Status), report, until, unconfirmed);
    }

    private TimeSpan LongestGrace => rights.Mandate.Latest?.LongestGrace ?? TimeSpan.Zero;

    private IEnumerable<SiloRecord> DeadOnes(MembershipReading? reading, ClusterMembershipSnapshot members)
    {
        if (reading is null)
        {
            return [];
        }

        var now = rights.Now;
        return reading.View.Silos
            .Where(silo => IsDead(silo.Silo, reading, members))
            .Select(silo => (Silo: silo, Left: reading.View.DecidesFor(silo, rights.Times, now)))
            .Where(dead => dead.Left > TimeSpan.Zero)
            .Select(dead => new SiloRecord(
                dead.Silo.Silo, reading.Rows[dead.Silo.Silo].Name, "dead", null, clock.GetUtcNow() + dead.Left));
    }

    /// <remarks>A reading may be older than a death that Orleans knows of already.</remarks>
    private static bool IsDead(string silo, MembershipReading? reading, ClusterMembershipSnapshot members) =>
        reading?.View.IsDead(silo) == true || members.IsDead(silo);

    /// <summary>Reads the membership, so that the answer knows each death that an answered write has named. Without the database the newest reading serves.</summary>
    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await readings.ReadAsync().WaitAsync(MaxAnswerTime, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The newest reading serves.
        }
    }

    private async Task<SiloReport?> AskAsync(ClusterMember member, CancellationToken cancellationToken)
    {
        if (member.Status == SiloStatus.Joining)
        {
            return null;
        }

        try
        {
            return await reportOf(member.SiloAddress).WaitAsync(MaxAnswerTime, clock, cancellationToken);
        }
        catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
        {
            return null;
        }
    }

    private static string NameOf(SiloStatus status) => status switch
    {
        SiloStatus.Joining => "joining",
        SiloStatus.Active => "active",
        SiloStatus.ShuttingDown => "shuttingDown",
        _ => "stopping",
    };
}
