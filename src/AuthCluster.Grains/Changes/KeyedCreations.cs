using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;
using AuthCluster.Storage.Admin;

namespace AuthCluster.Grains.Changes;

/// <summary>What a client's row remembers of clients and secrets that were created under an Idempotency-Key.</summary>
internal static class KeyedCreations
{
    private const int MaxRemembered = 16;

    /// <summary>
    /// The actor of a creation. Under an Idempotency-Key its audit id is derived from the key and the chosen secret id, so that a repeat under
    /// the key is recognised as the same change.
    /// </summary>
    public static ActorRecord Keyed(string clientId, ActorRecord actor, string? idempotencyId, string? secretId) => idempotencyId is null
        ? actor
        : actor with
        {
            AuditId = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{clientId}\0{idempotencyId}\0{secretId}")).AsSpan(..16)),
        };

    /// <summary>The creation that an Idempotency-Key made before; null when it made none.</summary>
    public static Change? FindRepeat(ClientState? state, string? idempotencyId, string? secretId) =>
        // With another secret it is a new request: the choice that the key made the first time was forgotten meanwhile.
        idempotencyId is not null && state?.Creations.FirstOrDefault(c => c.IdempotencyId == idempotencyId && (c.SecretId ?? secretId) == secretId) is { } made
            ? new Change(ClientOutcome.Done) { ETag = made.ETag }
            : null;

    /// <summary>The ETag after the change of an audit entry, if that change was made under a key; else null.</summary>
    public static string? ETagOf(string clientId, ClientState state, ActorRecord actor) =>
        state.Creations.FirstOrDefault(c => Keyed(clientId, actor, c.IdempotencyId, c.SecretId).AuditId == actor.AuditId)?.ETag;

    /// <summary>The creations that are still valid, and the new one.</summary>
    public static ImmutableArray<KeyedCreation> Remember(
        ClientState? state, string? idempotencyId, string? secretId, DateTimeOffset createdAt, ChangeTime time)
    {
        var latest = time.Now + IdempotencyStore.Lasts;
        // An end that is further away came from a wrong clock.
        var kept = (state?.Creations ?? [])
            .Where(c => c.Until > time.Now || !time.IsSteady)
            .Select(c => c.Until > latest ? c with { Until = latest } : c)
            .TakeLast(MaxRemembered - 1);
        return idempotencyId is null
            ? [.. kept]
            : [.. kept, new KeyedCreation(idempotencyId, secretId, latest, ClientState.ETagOf(ClientState.RevisionAfter(state), createdAt))];
    }
}
