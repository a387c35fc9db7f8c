using AuthCluster.Contracts.Clients;

namespace AuthCluster.Grains.Clients;

/// <summary>Secrets of the client: added, retired and revoked, each in one write of the row.</summary>
internal sealed partial class ClientGrain
{
    private const int MostSecrets = 32;

    public Task<ClientAnswer> AddSecretAsync(AddSecretCommand command, CancellationToken cancellationToken = default)
    {
        var add = Existing(command.IfMatch, state =>
        {
            if (state.Secrets.Length >= MostSecrets)
            {
                return new Change(ClientOutcome.TooMany);
            }

            var added = Store(command.Secret, command.CreatedAt);
            var othersEnd = command.CreatedAt + command.RetireOthersAfter;
            if (othersEnd is not null
                && (added.NotBefore > othersEnd || added.ExpiresAt <= command.CreatedAt)
                && state.Secrets.Any(s => s.IsValidAt(command.CreatedAt)))
            {
                // The others would end before this one begins, or it has ended already: nobody could authenticate.
                return new Change(ClientOutcome.LastSecret);
            }

            var others = othersEnd is { } end
                ? [.. state.Secrets.Select(s => Retire(s, end))]
                : state.Secrets;
            var next = state with
            {
                Secrets = [.. others, added],
                Creations = Remember(state, command.IdempotencyId, added.Id, state.CreatedAt),
            };
            return new Change(ClientOutcome.Done, next, "secret.add", _clientId, null, AuditSecret(added))
            {
                Also = [.. state.Secrets.Zip(others)
                    .Where(pair => pair.First.ExpiresAt != pair.Second.ExpiresAt)
                    .Select(pair => ("secret.retire", AuditSecret(pair.First), AuditSecret(pair.Second)))],
            };
        });

        // The key comes before all else: a repeat finds the client changed by itself, or gone since.
        return ChangeAsync(
            Keyed(command.Actor, command.IdempotencyId, command.Secret.SecretId),
            state => MadeByKey(state, command.IdempotencyId, command.Secret.SecretId) ?? add(state),
            cancellationToken);
    }

    public Task<ClientAnswer> RevokeSecretAsync(RevokeSecretCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state =>
            {
                if (state.Secrets.FirstOrDefault(s => s.Id == command.SecretId) is not { } secret)
                {
                    return new Change(ClientOutcome.NotFound);
                }

                var now = Now;
                var rest = state.Secrets.Remove(secret);
                if (!command.Force && secret.IsValidAt(now) && !rest.Any(s => s.IsValidAt(now)))
                {
                    return new Change(ClientOutcome.LastSecret);
                }

                return new Change(
                    ClientOutcome.Done, state with { Secrets = rest }, "secret.revoke", _clientId, AuditSecret(secret), null);
            }),
            cancellationToken);

    private SecretState Store(NewSecret secret, DateTimeOffset createdAt)
    {
        var stored = new SecretState
        {
            Id = secret.SecretId,
            Kind = secret.Kind,
            Label = secret.Label,
            CreatedAt = createdAt,
            NotBefore = secret.NotBefore,
            ExpiresAt = secret.ExpiresAt,
            PepperId = _services.Peppers.CurrentId,
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
        return secret.Digest.IsDefaultOrEmpty ? stored : stored with { Mac = _verifier.Mac(stored, secret.Digest.AsSpan()) };
    }

    private static SecretState Retire(SecretState secret, DateTimeOffset end) =>
        secret.ExpiresAt is { } already && already <= end ? secret : secret with { ExpiresAt = end };
}
