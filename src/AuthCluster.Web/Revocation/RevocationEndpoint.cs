using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Revocation;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Revocation;

/// <summary><c>POST /oauth/revoke</c> (RFC 7009): a client ends one of its own tokens.</summary>
/// <remarks>
/// 200 means that the token is dead on every node, also when it was never alive (section 2.2). A token of another
/// client is refused, so that nobody takes it for dead. Where it can't be known whether it was stored: 503.
/// </remarks>
public sealed class RevocationEndpoint(CallerDoor door, TokenValidator validator, ClientAuthority authority)
{
    /// <summary>Handles one request of any method.</summary>
    public Task HandleAsync(HttpContext context) =>
        door.HandleFormAsync(context, static (in FormInput input) => RevocationRequestParser.Parse(input), AnswerAsync);

    private async Task AnswerAsync(HttpContext context, Caller caller, TokenArgument request)
    {
        if (!validator.IsReady)
        {
            await door.RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Proven(caller.ClientId));
            return;
        }

        if (await validator.ValidateAtAnyTimeAsync(request.Token) is not { } token)
        {
            Done(context.Response);
            return;
        }

        if (token.ClientId != caller.ClientId)
        {
            await door.RefuseAsync(context, OAuthError.TokenOfAnotherClient, LoggableClient.Proven(caller.ClientId));
            return;
        }

        switch (await authority.RevokeTokenAsync(token, context.RequestAborted))
        {
            case ClientOutcome.Done or ClientOutcome.NotFound:
                Done(context.Response);
                break;
            case ClientOutcome.TooMany:
                await door.RefuseAsync(context, OAuthError.TooManyRevocations, LoggableClient.Proven(caller.ClientId));
                break;
            default:
                await door.RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Proven(caller.ClientId));
                break;
        }
    }

    private static void Done(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentLength = 0;
    }
}
