using AuthCluster.Contracts.Revocation;
using AuthCluster.Protocol.Requests;
using AuthCluster.Protocol.Revocation;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Revocation;

/// <summary>
/// <c>GET /oauth/revocations</c>: what was revoked, for APIs that check tokens without a call for each token. The answer may
/// be held until there is something new.
/// </summary>
public sealed class RevocationFeedEndpoint(OAuthPipeline pipeline, RevocationWatch watch) : IOAuthEndpoint
{
    OAuthEndpointKind IOAuthEndpoint.Kind => OAuthEndpointKind.Caller;

    async Task<IOAuthAnswer> IOAuthEndpoint.AnswerAsync(OAuthExchange exchange)
    {
        if (!HttpMethods.IsGet(exchange.Request.Method))
        {
            return new OAuthRefusal(OAuthError.MethodNotGet);
        }

        var parsed = RevocationFeedRequest.Parse(exchange.Request.Headers.Authorization.ToArray(), exchange.Request.QueryString.Value);
        exchange.Identify(parsed);
        if (!parsed.Succeeded)
        {
            return new OAuthRefusal(parsed.Error);
        }

        // A held request costs no work, so it has no slot of the admission while it waits.
        var authentication = await pipeline.AdmitAndAuthenticateAsync(exchange, parsed.Request.Client);
        if (!authentication.Succeeded)
        {
            return authentication.Refusal;
        }

        if (!authentication.Caller.MayReadFeed)
        {
            return new OAuthRefusal(OAuthError.InsufficientScope);
        }

        var page = await watch.ReadAsync(parsed.Request.After, parsed.Request.Wait, exchange.Arrived, exchange.Aborted);
        return page.Known
            ? new JsonAnswer(RevocationFeedResponse.Of(page.Items.Select(EntryOf), page.Next))
            : OAuthRefusal.Unavailable;
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
