using AuthCluster.Contracts.Cluster;

namespace AuthCluster.Grains.Cluster;

/// <summary>Asks each silo that is not dead for its report.</summary>
[GrainType("cluster")]
internal sealed class ClusterGrain(IClusterMembershipService membership, SiloReportClient silos, TimeProvider clock) : Grain, IClusterGrain
{
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromSeconds(1);

    public async Task<ClusterAnswer> DescribeAsync(CancellationToken cancellationToken = default)
    {
        var living = membership.CurrentSnapshot.Members.Values
            .Where(member => member.Status is SiloStatus.Joining or SiloStatus.Active or SiloStatus.ShuttingDown or SiloStatus.Stopping)
            .OrderBy(member => member.SiloAddress.ToString(), StringComparer.Ordinal)
            .ToList();
        var reports = await Task.WhenAll(living.Select(member => AskAsync(member, cancellationToken)));
        return new ClusterAnswer([.. living.Zip(reports, (member, report) => new SiloRecord(
            member.SiloAddress.ToString(), member.Name, NameOf(member.Status), report))]);
    }

    private async Task<SiloReport?> AskAsync(ClusterMember member, CancellationToken cancellationToken)
    {
        if (member.Status == SiloStatus.Joining)
        {
            return null;
        }

        try
        {
            return await silos.Of(member.SiloAddress).ReportAsync().WaitAsync(MaxAnswerTime, clock, cancellationToken);
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
