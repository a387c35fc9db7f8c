using System.Collections.Immutable;
using AuthCluster.Contracts.Admin;
using AuthCluster.Grains.Clients;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using Orleans.Concurrency;

namespace AuthCluster.Grains.Admin;

/// <summary>Keeps the choices of requests with an <c>Idempotency-Key</c> for an hour. Holds no state: the table does.</summary>
[GrainType("idempotency"), StatelessWorker(1)]
internal sealed class IdempotencyGrain(
    IdempotencyStore store, StorageGate gate, TimeProvider clock) : Grain, IIdempotencyGrain
{
    public async Task<IdempotencyAnswer> ChooseAsync(IdempotencyChoice choice, CancellationToken cancellationToken = default)
    {
        var row = new IdempotencyRow
        {
            KeyHash = choice.KeyHash,
            BodyHash = choice.BodyHash,
            ClientId = choice.ClientId,
            SecretId = choice.SecretId,
            EncryptedSecret = choice.EncryptedSecret.IsDefaultOrEmpty ? default : choice.EncryptedSecret,
            CreatedAt = choice.CreatedAt,
            ExpiresAt = choice.CreatedAt + IdempotencyStore.Lasts,
        };
        try
        {
            IdempotencyRow? stored = null;
            await gate.RunAsync(StorageLane.Changes, async token => stored = await store.InsertOrReadAsync(row, clock.GetUtcNow(), token), CancellationToken.None);
            return new IdempotencyAnswer(stored is null ? null : ChoiceOf(stored));
        }
        catch (StorageUnavailableException)
        {
            return new IdempotencyAnswer(null);
        }
    }

    public async Task<ForgetAnswer> ForgetAsync(ImmutableArray<byte> keyHash, CancellationToken cancellationToken = default)
    {
        try
        {
            await gate.RunAsync(StorageLane.Changes, token => store.DeleteAsync(keyHash, token), CancellationToken.None);
            return new ForgetAnswer(true);
        }
        catch (StorageUnavailableException)
        {
            return new ForgetAnswer(false);
        }
    }

    private static IdempotencyChoice ChoiceOf(IdempotencyRow row) => new()
    {
        KeyHash = row.KeyHash,
        BodyHash = row.BodyHash,
        ClientId = row.ClientId,
        SecretId = row.SecretId,
        EncryptedSecret = row.EncryptedSecret.IsDefault ? [] : row.EncryptedSecret,
        CreatedAt = row.CreatedAt,
    };
}
