using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Introspection;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.OAuth;
using AuthCluster.Web.Tokens;

namespace AuthCluster.Web.Introspection;

/// <summary><c>POST /oauth/introspect</c> (RFC 7662): is this token active, and what does it hold?</summary>
/// <remarks>
/// What the token and the keys show is checked here. Whether the token was revoked takes one question to the grain of the token's client.
/// Where the grain can't answer it, the answer is 503, never a guess.
/// </remarks>
public sealed class IntrospectionEndpoint(OAuthPipeline pipeline, TokenValidator validator, IssuedTokens issued, IssuerUri issuer) : IOAuthEndpoint
{
    OAuthEndpointKind IOAuthEndpoint.Kind => OAuthEndpointKind.Caller;

    async Task<IOAuthAnswer> IOAuthEndpoint.AnswerAsync(OAuthExchange exchange)
    {
        var form = await pipeline.ReadTokenFormAsync(exchange);
        if (!form.Succeeded)
        {
            return form.Refusal;
        }

        if (!await pipeline.WaitForKeysAsync(exchange))
        {
            return OAuthRefusal.Unavailable;
        }

        if (await validator.ValidateAsync(form.Token) is not { } token || !form.Caller.MaySee(token.ClientId, token.Audiences))
        {
            return new JsonAnswer(IntrospectionResponse.Inactive);
        }

        return await issued.CheckAsync(token, scope: null, exchange.Aborted) switch
        {
            TokenStanding.Active => new JsonAnswer(ResponseOf(token).ToJson()),
            TokenStanding.Inactive => new JsonAnswer(IntrospectionResponse.Inactive),
            _ => OAuthRefusal.Unavailable,
        };
    }

    private IntrospectionResponse ResponseOf(ValidatedToken token) => new()
    {
        Issuer = issuer.Value,
        ClientId = token.ClientId.Value,
        Scope = token.Scope,
        Audiences = token.Audiences,
        IssuedAt = token.IssuedAt,
        ExpiresAt = token.ExpiresAt,
        TokenId = token.Jti,
    };
}
