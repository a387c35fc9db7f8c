using AuthCluster.Contracts.Revocation;
using AuthCluster.Protocol.Revocation;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Revocation;

/// <summary>
/// <c>GET /oauth/revocations</c>: what was revoked, for APIs that check tokens without asking. The answer may be held
/// until there is something new.
/// </summary>
public sealed class RevocationFeedEndpoint(CallerDoor door, RevocationWatch watch, TimeProvider clock)
{
    /// <summary>Handles one request of any method.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var arrived = clock.GetTimestamp();
        OAuthAnswer.ForbidCaching(context.Response);
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            await door.RefuseAsync(context, OAuthError.MethodNotGet, LoggableClient.None);
            return;
        }

        var parsed = RevocationFeedRequest.Parse(context.Request.Headers.Authorization.ToArray(), context.Request.QueryString.Value);
        if (!parsed.Succeeded)
        {
            await door.RefuseAsync(context, parsed.Error, LoggableClient.Unknown(parsed.ClientId), arrived);
            return;
        }

        // A held request costs no work, so it takes no place of the admission.
        var request = parsed.Request;
        if (await door.AuthenticateAsync(context, request.Client, arrived) is not { } caller)
        {
            return;
        }

        if (!caller.MayReadFeed)
        {
            await door.RefuseAsync(context, OAuthError.InsufficientScope, LoggableClient.Proven(caller.ClientId));
            return;
        }

        var page = await watch.ReadAsync(request.After, request.Wait, arrived, context.RequestAborted);
        if (!page.Known)
        {
            await door.RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Proven(caller.ClientId));
            return;
        }

        await OAuthAnswer.WriteJsonAsync(context.Response, RevocationFeedResponse.Of(page.Items.Select(EntryOf), page.Next));
    }

    private static RevocationFeedEntry EntryOf(RevokedRecord item) => new(
        item.Kind switch
        {
            RevokedKind.Token => "token",
            RevokedKind.Client => "client",
            RevokedKind.Key => "key",
            RevokedKind.All => "all",
            _ => throw new ArgumentOutOfRangeException(nameof(item)),
        },
        item.Value,
        item.Generation,
        item.ExpiresAt);
}
