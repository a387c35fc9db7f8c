using System.Collections.Immutable;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>The silos that Orleans knows in this process.</summary>
internal sealed class MembersOfProcess(params (SiloAddress Silo, SiloStatus Status)[] members) : IClusterMembershipService
{
    public ClusterMembershipSnapshot CurrentSnapshot { get; } = new(
        members.ToImmutableDictionary(member => member.Silo, member => new ClusterMember(member.Silo, member.Status, "silo")), new MembershipVersion(1));

    /// <summary>How often Orleans was made to read.</summary>
    public int Refreshes { get; private set; }

    /// <summary>When a reading by Orleans returns; at once by default.</summary>
    public Task Reading { get; set; } = Task.CompletedTask;

    public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

    public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default)
    {
        Refreshes++;
        return new ValueTask(Reading.WaitAsync(cancellationToken));
    }

    public Task<bool> TryKill(SiloAddress siloAddress) => throw new NotSupportedException();
}
