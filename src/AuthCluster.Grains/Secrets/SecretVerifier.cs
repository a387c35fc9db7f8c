using System.Collections.Immutable;
using System.Security.Cryptography;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Secrets;

/// <summary>What checking a presented secret found.</summary>
internal enum SecretFinding
{
    Wrong,
    Right,
    NotValidNow,
    MustProve,
}

/// <summary>
/// Checks presented secrets of one client. Remembers, while the activation lives, the fast hash of each secret that was proven by its
/// slow hash, so that the slow hash is computed once.
/// </summary>
internal sealed class SecretVerifier(string clientId, PepperRing peppers)
{
    private const int MacBytes = 32;

    private readonly Dictionary<string, byte[]> _proven = new(StringComparer.Ordinal);

    /// <summary>
    /// Compares with every valid secret, also after a match, so that the time does not tell which of them matched. Secrets that are not valid
    /// now are compared only when no valid one matched, so that they cost an accepted caller nothing.
    /// </summary>
    public SecretFinding Check(
        ImmutableArray<SecretState> secrets, PresentedSecret presented, DateTimeOffset now, out SecretState? matched)
    {
        matched = null;
        var digest = presented.Digest.AsSpan();
        if (digest.Length != SHA256.HashSizeInBytes)
        {
            return SecretFinding.Wrong;
        }

        var mustProve = false;
        foreach (var secret in secrets)
        {
            if (secret.IsValidAt(now))
            {
                mustProve |= FastHashOf(secret) is null && secret.SlowHash is not null;
                matched = Matches(secret, digest) ? secret : matched;
            }
        }

        if (matched is not null)
        {
            return SecretFinding.Right;
        }

        foreach (var secret in secrets)
        {
            if (!secret.IsValidAt(now) && !secret.HasLongEndedAt(now))
            {
                matched = Matches(secret, digest) ? secret : matched;
            }
        }

        return matched is not null ? SecretFinding.NotValidNow : mustProve ? SecretFinding.MustProve : SecretFinding.Wrong;
    }

    /// <summary>
    /// Checks the slow hashes that the front end computed, and remembers the secret that matches. <paramref name="storable"/> is its fast hash when
    /// the secret is strong enough to be stored under one.
    /// </summary>
    public SecretFinding CheckProofs(
        ImmutableArray<SecretState> secrets, PresentedSecret presented, DateTimeOffset now, out SecretState? matched, out byte[]? storable)
    {
        matched = null;
        storable = null;
        foreach (var proof in presented.Proofs)
        {
            var secret = secrets.FirstOrDefault(s => s.Id == proof.SecretId);
            if (secret?.SlowHash is not { } slow
                || !CryptographicOperations.FixedTimeEquals(proof.Derived.AsSpan(), slow.Expected))
            {
                continue;
            }

            var mac = Mac(secret, presented.Digest.AsSpan());
            _proven[secret.Id] = mac;
            matched = secret;
            storable = proof.Strong ? mac : null;
        }

        return matched switch
        {
            null => SecretFinding.Wrong,
            _ when matched.IsValidAt(now) => SecretFinding.Right,
            _ => SecretFinding.NotValidNow,
        };
    }

    /// <summary>The slow hashes by which a digest that was not seen before must be proven.</summary>
    public ImmutableArray<SlowHashChallenge> Challenges(ImmutableArray<SecretState> secrets, DateTimeOffset now) =>
        [.. secrets
            .Where(s => s is { Mac: null, SlowHash: not null } && s.IsValidAt(now) && !_proven.ContainsKey(s.Id))
            .Select(s => new SlowHashChallenge(s.Id, new SlowHashParameters(
                s.SlowHash!.Algorithm,
                [.. s.SlowHash.Salt],
                s.SlowHash.Iterations,
                s.SlowHash.MemoryKib,
                s.SlowHash.Parallelism,
                s.SlowHash.Expected.Length)))];

    /// <summary>Whether the proofs leave a slow hash unanswered.</summary>
    public bool HasUnproven(ImmutableArray<SecretState> secrets, PresentedSecret presented, DateTimeOffset now) =>
        secrets.Any(s => s is { Mac: null, SlowHash: not null } && s.IsValidAt(now)
            && !_proven.ContainsKey(s.Id) && presented.Proofs.All(proof => proof.SecretId != s.Id));

    /// <summary>Forgets all secrets but these.</summary>
    public void ForgetExcept(ImmutableArray<SecretState> secrets)
    {
        foreach (var gone in _proven.Keys.Where(id => secrets.All(s => s.Id != id)).ToList())
        {
            _proven.Remove(gone);
        }
    }

    /// <summary>The fast hash of a digest for one secret under the current pepper.</summary>
    public byte[] Mac(SecretState secret, ReadOnlySpan<byte> digest)
    {
        var mac = new byte[MacBytes];
        return peppers.TryMac(secret.PepperId ?? peppers.CurrentId, clientId, secret.Id, digest, mac)
            ? mac
            : throw new InvalidOperationException("The pepper ring is not loaded.");
    }

    private byte[]? FastHashOf(SecretState secret) => secret.Mac ?? _proven.GetValueOrDefault(secret.Id);

    private bool Matches(SecretState secret, ReadOnlySpan<byte> digest)
    {
        Span<byte> mac = stackalloc byte[MacBytes];
        return FastHashOf(secret) is { } known
            && peppers.TryMac(secret.PepperId ?? peppers.CurrentId, clientId, secret.Id, digest, mac)
            && CryptographicOperations.FixedTimeEquals(mac, known);
    }
}
