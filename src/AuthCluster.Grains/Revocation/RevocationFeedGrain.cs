using AuthCluster.Contracts.Revocation;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage.Revocation;
using Orleans.Concurrency;

namespace AuthCluster.Grains.Revocation;

/// <summary>Reads the feed of revocations from the table, in the silo that is asked.</summary>
[GrainType("revocation-feed"), StatelessWorker(1)]
internal sealed class RevocationFeedGrain(RevocationStore store, StorageGate gate) : Grain, IRevocationFeedGrain
{
    public async Task<RevocationFeedAnswer> ReadAsync(string? after, int limit, CancellationToken cancellationToken = default)
    {
        var answer = await gate.AskAsync(StorageLane.Reads, token => store.FeedAsync(after, Math.Clamp(limit, 1, IRevocationFeedGrain.MaxItems), token), cancellationToken);
        return answer.TryGet(out var page)
            ? new RevocationFeedAnswer
            {
                Known = true,
                Items = [.. page.Items],
                Next = page.Next,
            }
            : new RevocationFeedAnswer { Known = false };
    }
}
