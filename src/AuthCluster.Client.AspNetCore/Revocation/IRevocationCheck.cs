using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;
using Microsoft.IdentityModel.JsonWebTokens;

namespace AuthCluster.Client.AspNetCore.Revocation;

/// <summary>Whether a token that is otherwise good has been revoked: by the feed, or by asking.</summary>
internal interface IRevocationCheck
{
    ValueTask<TokenStanding> CheckAsync(JsonWebToken token, CancellationToken cancellationToken);
}

/// <summary>Looks into the list that follows the server's feed.</summary>
internal sealed class FeedCheck(RevocationFeed feed) : IRevocationCheck
{
    public ValueTask<TokenStanding> CheckAsync(JsonWebToken token, CancellationToken cancellationToken) => feed.CheckAsync(IdentityOf(token), cancellationToken);

    /// <summary>The key is the one that verified the signature: an attacker with a revoked key can put any <c>kid</c> into the header.</summary>
    private static TokenIdentity IdentityOf(JsonWebToken token) => new(
        token.Id,
        token.TryGetPayloadValue<string>("client_id", out var client) ? client : null,
        token.SigningKey?.KeyId,
        token.TryGetPayloadValue<long>("gen", out var generation) ? generation : null);
}

/// <summary>Asks the server, or the cache of its answers.</summary>
internal sealed class IntrospectionCheck(TokenIntrospection introspection) : IRevocationCheck
{
    public ValueTask<TokenStanding> CheckAsync(JsonWebToken token, CancellationToken cancellationToken) => introspection.CheckAsync(token.EncodedToken, cancellationToken);
}
