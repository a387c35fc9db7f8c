using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>
/// Turns the secrets of a new client into what is stored. A given one costs a third of a second of a core, so it is computed in a turn
/// of <see cref="SlowHashGate"/>, off the threads that serve requests. Each takes its turn alone, so that a document with one does not
/// wait for all of another that has many.
/// </summary>
internal sealed class SecretHashing(SlowHashGate slowHashes, TimeProvider clock)
{
    /// <summary>How long the secrets of one document wait for their turns, together.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(7);

    /// <summary>Computes them; null when a turn did not come in time, or the caller has gone.</summary>
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
