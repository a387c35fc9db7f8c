using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Grains.Changes;

/// <summary>What the commands about secrets make of a client's state. Pure, like <see cref="ClientChanges"/>.</summary>
internal sealed class SecretChanges(SecretVerifier verifier, PepperRing peppers)
{
    /// <summary>Adds a secret, and ends the others when asked to.</summary>
    public Change Add(ClientState state, AddSecretCommand command, ChangeTime time)
    {
        if (state.Secrets.Length >= ClientDocument.MaxSecrets)
        {
            return new Change(ClientOutcome.TooMany);
        }

        var added = Store(command.Secret, command.CreatedAt);
        var othersEnd = command.CreatedAt + command.RetireOthersAfter;
        if (othersEnd is not null
            && (added.NotBefore > othersEnd || added.ExpiresAt <= command.CreatedAt)
            && state.Secrets.Any(secret => secret.IsValidAt(command.CreatedAt)))
        {
            // The other secrets would end before the new one begins, or the new one has ended already: nobody could authenticate.
            return new Change(ClientOutcome.LastSecret);
        }

        var others = othersEnd is { } end ? [.. state.Secrets.Select(secret => Retire(secret, end))] : state.Secrets;
        var next = state with
        {
            Secrets = [.. others, added],
            Creations = KeyedCreations.Remember(state, command.IdempotencyId, added.Id, state.CreatedAt, time),
        };
        var retired = state.Secrets.Zip(others)
            .Where(pair => pair.First.ExpiresAt != pair.Second.ExpiresAt)
            .Select(pair => new AuditedAction("secret.retire", AuditShapes.Of(pair.First), AuditShapes.Of(pair.Second)));
        return Change.To(next, [new AuditedAction("secret.add", null, AuditShapes.Of(added)), .. retired]);
    }

    /// <summary>Revokes a secret that the client has. The last valid one is revoked only by force.</summary>
    public static Change Revoke(ClientState state, RevokeSecretCommand command, ChangeTime time)
    {
        var revoked = state.Secrets.First(secret => secret.Id == command.SecretId);
        var rest = state.Secrets.Remove(revoked);
        return !command.Force && revoked.IsValidAt(time.Now) && !rest.Any(secret => secret.IsValidAt(time.Now))
            ? new Change(ClientOutcome.LastSecret)
            : Change.To(state with { Secrets = rest }, new AuditedAction("secret.revoke", AuditShapes.Of(revoked), null));
    }

    /// <summary>The stored form of a new secret.</summary>
    public SecretState Store(NewSecret secret, DateTimeOffset createdAt)
    {
        var stored = new SecretState
        {
            Id = secret.SecretId,
            Kind = secret.Kind,
            Label = secret.Label,
            CreatedAt = createdAt,
            NotBefore = secret.NotBefore,
            ExpiresAt = secret.ExpiresAt,
            PepperId = peppers.CurrentId,
            SlowHash = secret.SlowHash is { } slow
                ? new SlowHashState
                {
                    Algorithm = slow.Algorithm,
                    Salt = [.. slow.Salt],
                    Iterations = slow.Iterations,
                    MemoryKib = slow.MemoryKib,
                    Parallelism = slow.Parallelism,
                    Expected = [.. secret.Expected],
                }
                : null,
        };
        return secret.Digest.IsDefaultOrEmpty ? stored : stored with { Mac = verifier.Mac(stored, secret.Digest.AsSpan()) };
    }

    private static SecretState Retire(SecretState secret, DateTimeOffset end) =>
        secret.ExpiresAt is { } already && already <= end ? secret : secret with { ExpiresAt = end };
}
