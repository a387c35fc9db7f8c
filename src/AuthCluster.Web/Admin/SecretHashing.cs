using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>
/// Hashes the secrets of a new client for storage. A given secret costs a third of a second of a core, so it takes a turn of
/// <see cref="SlowHashGate"/>, off the threads that serve requests. Each secret takes a turn of its own, so that a document with one
/// secret does not wait for all those of another document.
/// </summary>
internal sealed class SecretHashing(SlowHashGate slowHashes, TimeProvider clock)
{
    /// <summary>How long all secrets of one document together may wait for their turns.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(7);

    /// <summary>Hashes them; null when a turn did not come in time, or the caller has gone.</summary>
    public async Task<ImmutableArray<NewSecret>?> StoreAsync(ImmutableArray<ClientSecretEntry> entries, CancellationToken cancellationToken)
    {
        var secrets = ImmutableArray.CreateBuilder<NewSecret>(entries.Length);
        var waitLeft = MaxWait;
        foreach (var entry in entries)
        {
            if (entry.Hash is not null || entry.IsGenerated)
            {
                secrets.Add(NewSecrets.Of(entry));
                continue;
            }

            var started = clock.GetTimestamp();
            if (!await slowHashes.TakeTurnAsync(waitLeft, cancellationToken))
            {
                return null;
            }

            try
            {
                waitLeft = TimeSpan.FromTicks(Math.Max(0, (waitLeft - clock.GetElapsedTime(started)).Ticks));
                secrets.Add(await Task.Run(() => NewSecrets.Of(entry), CancellationToken.None));
            }
            finally
            {
                slowHashes.EndTurn();
            }
        }

        return secrets.MoveToImmutable();
    }
}
