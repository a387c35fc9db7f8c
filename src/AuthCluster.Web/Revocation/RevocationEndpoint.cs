using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.OAuth;
using AuthCluster.Web.Tokens;

namespace AuthCluster.Web.Revocation;

/// <summary><c>POST /oauth/revoke</c> (RFC 7009): a client ends one of its own tokens.</summary>
/// <remarks>
/// 200 means that the token is not valid on any node, or never was (section 2.2). A token of another
/// client is refused, so that its sender does not believe that it was revoked. 503 means that the server does not
/// know whether the revocation was stored.
/// </remarks>
public sealed class RevocationEndpoint(OAuthPipeline pipeline, TokenValidator validator, IssuedTokens issued) : IOAuthEndpoint
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

        if (await validator.ValidateAtAnyTimeAsync(form.Token) is not { } token)
        {
            return new EmptyAnswer();
        }

        if (token.ClientId != form.Caller.ClientId)
        {
            return new OAuthRefusal(OAuthError.TokenOfAnotherClient);
        }

        return await issued.RevokeAsync(token, exchange.Aborted) switch
        {
            ClientOutcome.Done or ClientOutcome.NotFound => new EmptyAnswer(),
            ClientOutcome.TooMany => new OAuthRefusal(OAuthError.TooManyRevocations),
            _ => OAuthRefusal.Unavailable,
        };
    }
}
