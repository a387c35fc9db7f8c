using System.Collections.Immutable;
using AuthCluster.Contracts.Admin;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Time;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using Orleans.Concurrency;

namespace AuthCluster.Grains.Admin;

/// <summary>Keeps what requests with an <c>Idempotency-Key</c> chose, for an hour. The table holds it; the grain has no state.</summary>
[GrainType("idempotency"), StatelessWorker(1)]
internal sealed class IdempotencyGrain(
    IdempotencyStore store, StorageGate gate, TrustedClock trusted, TimeProvider clock) : Grain, IIdempotencyGrain
{
    public async Task<IdempotencyAnswer> ChooseAsync(IdempotencyChoice choice, CancellationToken cancellationToken = default)
    {
        // The key's end is by this silo's clock: the clock of the front end may differ.
        var row = new IdempotencyRow(choice, clock.GetUtcNow() + IdempotencyStore.Lasts);
        try
        {
            var stored = await InsertOrReadAsync(row, now: null);
            // A clock that is ahead must not replace a choice that a repeated request needs.
            if (stored.ExpiresAt <= clock.GetUtcNow() && await trusted.NowAsync(CancellationToken.None) is { } now)
            {
                stored = await InsertOrReadAsync(row, now);
            }

            return new IdempotencyAnswer(stored.Choice);
        }
        catch (StorageUnavailableException)
        {
            return new IdempotencyAnswer(null);
        }
    }

    public async Task<ForgetAnswer> ForgetAsync(ImmutableArray<byte> keyHash, CancellationToken cancellationToken = default) =>
        new(await gate.AskAsync(StorageLane.Changes, token => store.DeleteAsync(keyHash, token), CancellationToken.None) == StorageOutcome.Done);

    private async Task<IdempotencyRow> InsertOrReadAsync(IdempotencyRow row, DateTimeOffset? now)
    {
        var stored = row;
        await gate.RunAsync(StorageLane.Changes, async token => stored = await store.InsertOrReadAsync(row, now, token), CancellationToken.None);
        return stored;
    }
}
