using System.Collections.Concurrent;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// Hands a still young token out again to the clients that are registered for it
/// (<c>tokenReuseSeconds</c>), which saves the signature. Each request was decided and counted as any other.
/// </summary>
public sealed class ReusableTokens(TokenSigner signer, TimeProvider clock)
{
    // Bounds memory: a kilobyte each. Past it everything is signed, which is always right.
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<Key, Entry> _tokens = new();

    /// <summary>A token for a grant: one that was signed lately, where the grant allows it, or a new one.</summary>
    public SignedToken GetOrSign(string clientId, TokenGrant grant)
    {
        if (grant.ReuseSeconds == 0)
        {
            return signer.Sign(clientId, grant);
        }

        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var key = new Key(
            clientId, grant.Scope, string.Join('\n', grant.Audiences), grant.Generation, grant.RevocationMark, grant.LifetimeSeconds, grant.ClaimsJson, signer.ActiveKid);
        if (_tokens.TryGetValue(key, out var held) && now < held.ReuseUntil && now >= held.SignedAt)
        {
            return held.Token with { ExpiresIn = (int)(held.Token.ExpiresAt - now) };
        }

        var signed = signer.Sign(clientId, grant);
        if (_tokens.Count >= Most)
        {
            DropOld(now);
        }

        if (_tokens.Count < Most)
        {
            _tokens[key] = new Entry(signed, now, now + grant.ReuseSeconds);
        }

        return signed;
    }

    private void DropOld(long now)
    {
        foreach (var (key, entry) in _tokens)
        {
            if (now >= entry.ReuseUntil)
            {
                _tokens.TryRemove(key, out _);
            }
        }
    }

    /// <summary>All that goes into a token. The generation and the mark are part of it: a revoked token is never handed out again.</summary>
    private readonly record struct Key(
        string ClientId, string Scope, string Audiences, long Generation, long RevocationMark, int LifetimeSeconds, string? Claims, string Kid);

    private readonly record struct Entry(SignedToken Token, long SignedAt, long ReuseUntil);
}
