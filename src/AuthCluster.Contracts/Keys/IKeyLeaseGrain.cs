using Orleans.Concurrency;

namespace AuthCluster.Contracts.Keys;

/// <summary>Lends the keys of the silo that gets the call to front ends without a silo; its key is <see cref="Key"/>.</summary>
[GrainInterfaceType("key-lease"), Alias("authcluster.key-lease")]
public interface IKeyLeaseGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "k:lease";

    private const string MaxAnswerTime = "00:00:01";

    /// <summary>Lends the keys and the floor. The borrower counts the lease from before it asked.</summary>
    [Alias("lend"), AlwaysInterleave, ResponseTimeout(MaxAnswerTime)]
    Task<KeyLeaseAnswer> LendAsync(CancellationToken cancellationToken = default);
}

/// <summary>Keys that are lent.</summary>
/// <param name="Snapshot">The keys and the floor; null when the silo may not lend them now.</param>
/// <param name="Lease">For how long they may be used without asking again.</param>
[GenerateSerializer, Immutable, Alias("authcluster.key-lease-answer.v1")]
public sealed record KeyLeaseAnswer([property: Id(0)] KeySnapshotRecord? Snapshot, [property: Id(1)] TimeSpan Lease);
