using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Revocation;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.OAuth;
using AuthCluster.Web.Tokens;

namespace AuthCluster.Web.Revocation;

/// <summary><c>POST /oauth/revoke</c> (RFC 7009): a client ends one of its own tokens.</summary>
/// <remarks>
/// 200 means that the token is dead on every node, also when it was never alive (section 2.2). A token of another
/// client is refused, so that nobody takes it for dead. Where it can't be known whether it was stored: 503.
/// </remarks>
public sealed class RevocationEndpoint(OAuthPipeline pipeline, TokenValidator validator, IssuedTokens issued) : IOAuthEndpoint
{
    OAuthEndpointKind IOAuthEndpoint.Kind => OAuthEndpointKind.Caller;

    async Task<IOAuthAnswer> IOAuthEndpoint.AnswerAsync(OAuthExchange exchange)
    {
        var parsed = await pipeline.ReadFormAsync(exchange, OAuthPipeline.MaxTokenFormBytes, static (in FormInput form) => RevocationRequestParser.Parse(form));
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

        if (await validator.ValidateAtAnyTimeAsync(parsed.Request.Token) is not { } token)
        {
            return new EmptyAnswer();
        }

        if (token.ClientId != authentication.Caller.ClientId)
        {
            return new OAuthRefusal(OAuthError.TokenOfAnotherClient);
        }

        return await issued.RevokeAsync(token, exchange.Aborted) switch
        {
            ClientOutcome.Done or ClientOutcome.NotFound => new EmptyAnswer(),
            ClientOutcome.TooMany => new OAuthRefusal(OAuthError.TooManyRevocations),
            _ => new OAuthRefusal(OAuthError.TemporarilyUnavailable),
        };
    }
}
