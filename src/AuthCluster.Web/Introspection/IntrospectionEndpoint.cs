using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Introspection;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Introspection;

/// <summary><c>POST /oauth/introspect</c> (RFC 7662): is this token active, and what does it hold?</summary>
/// <remarks>
/// What the token and the keys can say is checked here; whether it was revoked is one question to the grain of the
/// token's client. Where that can't be known, the answer is 503, never a guess.
/// </remarks>
public sealed class IntrospectionEndpoint(CallerDoor door, TokenValidator validator, ClientAuthority authority, IssuerUri issuer)
{
    /// <summary>Handles one request of any method.</summary>
    public Task HandleAsync(HttpContext context) =>
        door.HandleFormAsync(context, static (in FormInput input) => IntrospectionRequestParser.Parse(input), AnswerAsync);

    private async Task AnswerAsync(HttpContext context, Caller caller, TokenArgument request)
    {
        if (!validator.IsReady)
        {
            await door.RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Proven(caller.ClientId));
            return;
        }

        if (await validator.ValidateAsync(request.Token) is not { } token || !caller.MaySee(token))
        {
            await OAuthAnswer.WriteJsonAsync(context.Response, IntrospectionResponse.Inactive);
            return;
        }

        switch (await authority.CheckTokenAsync(token, scope: null, context.RequestAborted))
        {
            case TokenStanding.Active:
                await OAuthAnswer.WriteJsonAsync(context.Response, ResponseOf(token).ToJson());
                break;
            case TokenStanding.Inactive:
                await OAuthAnswer.WriteJsonAsync(context.Response, IntrospectionResponse.Inactive);
                break;
            default:
                await door.RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Proven(caller.ClientId));
                break;
        }
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
