using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// <c>POST /oauth/token</c> (RFC 6749 section 4.4): read the form, ask the client's grain, sign, answer.
/// </summary>
/// <remarks>
/// The folder owns access tokens in the front end: it signs them, checks them, and asks grains about them. A token request passes
/// <see cref="OAuthPipeline"/> and <c>TokenRequestParser</c>, is decided by the client's grain (<see cref="ClientAuthority"/>), and
/// ends in a token of <see cref="TokenSigner"/>.
/// </remarks>
public sealed class TokenEndpoint(OAuthPipeline pipeline, ClientAuthority authority, ReusableTokens reusable, OAuthTelemetry telemetry)
    : IOAuthEndpoint
{
    /// <summary>Largest accepted form body, in bytes.</summary>
    public const int MaxFormBytes = 16_384;

    OAuthEndpointKind IOAuthEndpoint.Kind => OAuthEndpointKind.Token;

    async Task<IOAuthAnswer> IOAuthEndpoint.AnswerAsync(OAuthExchange exchange)
    {
        var parsed = await pipeline.ReadFormAsync(exchange, MaxFormBytes, static (in FormInput form) => TokenRequestParser.Parse(form));
        if (!parsed.Succeeded)
        {
            return new OAuthRefusal(parsed.Error);
        }

        var decision = await authority.DecideAsync(parsed.Request, exchange.Network, exchange.Aborted);
        if (decision.Kind == DecisionKind.Allowed)
        {
            exchange.Standing = CallerStanding.Proven;
            if (!await pipeline.WaitForKeysAsync(exchange))
            {
                return OAuthRefusal.Unavailable with { Scope = decision.Grant!.Scope };
            }
        }

        return decision.Kind switch
        {
            DecisionKind.Allowed => Issue(exchange, parsed.Request.Client.ClientId, decision),
            DecisionKind.Refused => Refuse(exchange, parsed.Request, decision),
            _ => OAuthRefusal.Unavailable,
        };
    }

    private TokenAnswer Issue(OAuthExchange exchange, ClientId clientId, IssueTokenAnswer decision)
    {
        var grant = decision.Grant!;
        var token = reusable.GetOrSign(clientId.Value, grant);
        WriteLimits(exchange.Response, decision.Limit);
        if (decision.Limit is { IsExceeded: true } exceeded)
        {
            telemetry.OverLimit(exchange, clientId.Value, grant.Scope, exceeded);
        }

        telemetry.LogIssued(exchange, clientId.Value, grant.Scope, token.Jti);
        return new TokenAnswer(token, grant.Scope);
    }

    private static OAuthRefusal Refuse(OAuthExchange exchange, TokenRequest request, IssueTokenAnswer decision)
    {
        WriteLimits(exchange.Response, decision.Limit);
        var refusal = OAuthPipeline.RefusalOf(exchange, decision.Refusal) with { RetryAfter = decision.Delay };
        if (exchange.Standing != CallerStanding.Proven)
        {
            return refusal;
        }

        // The grain checks targets and limits only when all requested scopes are registered for the client.
        var areRegistered = decision.Refusal is Refusal.TargetNotAllowed or Refusal.RateLimited or Refusal.QuotaExceeded;
        return refusal with { Scope = LoggableText.Scopes(request.RequestedScopes, areRegistered) };
    }

    private static void WriteLimits(HttpResponse response, LimitStanding? limit)
    {
        if (limit is null)
        {
            return;
        }

        RateStanding? rate = limit.TokensPerSecond > 0
            ? new RateStanding(limit.TokensPerSecond, limit.Burst, limit.Remaining, limit.ResetAfter)
            : null;
        QuotaStanding? quota = limit.QuotaTokens > 0
            ? new QuotaStanding(limit.QuotaTokens, TimeSpan.FromSeconds(limit.QuotaPeriodSeconds), limit.QuotaRemaining, limit.QuotaResetAfter)
            : null;
        response.Headers[RateLimitFields.Policy] = RateLimitFields.PolicyValue(rate, quota);
        response.Headers[RateLimitFields.Standing] = RateLimitFields.StandingValue(rate, quota);
    }
}
