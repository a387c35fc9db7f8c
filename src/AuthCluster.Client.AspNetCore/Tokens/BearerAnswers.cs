using System.Globalization;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace AuthCluster.Client.AspNetCore.Tokens;

/// <summary>
/// Completes JwtBearer's answers: 503 where the token's standing is unknown, and the challenge that RFC 6750 §3.1 wants
/// beside a 403. The application's own events go on being called.
/// </summary>
internal static class BearerAnswers
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    public static void AddTo(JwtBearerOptions bearer)
    {
        var events = bearer.Events ??= new JwtBearerEvents();
        var (challenge, forbidden) = (events.OnChallenge, events.OnForbidden);
        events.OnChallenge = async context =>
        {
            await challenge(context);
            if (!context.Handled && context.AuthenticateFailure is StandingUnknownException)
                AnswerUnavailable(context);
        };
        events.OnForbidden = async context =>
        {
            await forbidden(context);
            if (!context.Response.HasStarted)
                context.Response.Headers.Append(HeaderNames.WWWAuthenticate, InsufficientScope(context.HttpContext));
        };
    }

    private static void AnswerUnavailable(JwtBearerChallengeContext context)
    {
        context.HandleResponse();
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = ((int)RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
    }

    private static string InsufficientScope(HttpContext context) =>
        ScopeRequirement.LackedBy(context) is { } scopes ? $"Bearer error=\"insufficient_scope\", scope=\"{scopes}\"" : "Bearer error=\"insufficient_scope\"";
}
