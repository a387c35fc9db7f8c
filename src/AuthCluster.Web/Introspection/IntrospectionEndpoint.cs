using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Introspection;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.OAuth;
using AuthCluster.Web.Tokens;

namespace AuthCluster.Web.Introspection;

/// <summary><c>POST /oauth/introspect</c> (RFC 7662): is this token active, and what does it hold?</summary>
/// <remarks>
/// What the token and the keys can say is checked here; whether it was revoked is one question to the grain of the
/// token's client. Where that can't be known, the answer is 503, never a guess.
/// </remarks>
public sealed class IntrospectionEndpoint(OAuthPipeline pipeline, TokenValidator validator, IssuedTokens issued, IssuerUri issuer) : IOAuthEndpoint
{
    OAuthEndpointKind IOAuthEndpoint.Kind => OAuthEndpointKind.Caller;

    async Task<IOAuthAnswer> IOAuthEndpoint.AnswerAsync(OAuthExchange exchange)
    {
        var parsed = await pipeline.ReadFormAsync(exchange, OAuthPipeline.MaxTokenFormBytes, static (in FormInput form) => IntrospectionRequestParser.Parse(form));
        if (!parsed.Succeeded)
        {
            return new OAuthRefusal(parsed.Error);
        }

        var authentication = await pipeline.AuthenticateAsync(exchange, parsed.Request.Client);
        if (!authentication.Succeeded)
        {
            return authentication.Refusal;
        }

        if (!validator.IsReady)
        {
            return new OAuthRefusal(OAuthError.TemporarilyUnavailable);
        }

        if (await validator.ValidateAsync(parsed.Request.Token) is not { } token || !authentication.Caller.MaySee(token.ClientId, token.Audiences))
        {
            return new JsonAnswer(IntrospectionResponse.Inactive);
        }

        return await issued.CheckAsync(token, scope: null, exchange.Aborted) switch
        {
            TokenStanding.Active => new JsonAnswer(ResponseOf(token).ToJson()),
            TokenStanding.Inactive => new JsonAnswer(IntrospectionResponse.Inactive),
            _ => new OAuthRefusal(OAuthError.TemporarilyUnavailable),
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
