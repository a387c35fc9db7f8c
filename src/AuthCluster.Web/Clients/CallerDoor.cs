using System.Collections.Immutable;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Clients;

/// <summary>
/// The way of a client's request to an endpoint other than the token endpoint, up to the point where the client is
/// known: head, body, admission, parse, authenticate. What is refused is answered here, as the token endpoint does.
/// </summary>
public sealed partial class CallerDoor(
    ClientAuthority authority, RefusalPacer pacer, RefusalLog refusals, Admission admission, TimeProvider clock, ILogger<CallerDoor> logger)
{
    /// <summary>Largest accepted form body, in bytes: tokens have extra claims.</summary>
    public const int MaxFormBytes = 32_768;

    private static readonly TimeSpan ComeBackAfter = TimeSpan.FromSeconds(1);

    /// <summary>Reads a form about one token and lets its sender in.</summary>
    /// <param name="context">The request, of any method.</param>
    /// <param name="parse">Reads the form.</param>
    /// <param name="answer">Answers, once the client is known.</param>
    internal async Task HandleFormAsync(
        HttpContext context, FormParse<TokenArgument> parse, Func<HttpContext, Caller, TokenArgument, Task> answer)
    {
        var arrived = clock.GetTimestamp();
        OAuthAnswer.ForbidCaching(context.Response);
        if (FormBody.CheckHead(context.Request, MaxFormBytes) is { } headError)
        {
            await RefuseAsync(context, headError, LoggableClient.None);
            return;
        }

        var read = await FormBody.ReadAsync(context.Request, MaxFormBytes, clock);
        if (read.Body is not { } body)
        {
            if (read.Error is { } bodyError)
            {
                await RefuseAsync(context, bodyError, LoggableClient.None);
            }

            return;
        }

        var parsed = FormBody.Parse(context.Request, body, parse);
        context.Request.BodyReader.AdvanceTo(body.End);
        if (!parsed.Succeeded)
        {
            await RefuseAsync(context, parsed.Error, LoggableClient.Unknown(parsed.ClientId), arrived);
            return;
        }

        await WithinAdmissionAsync(context, parsed.Request.Client, arrived, caller => answer(context, caller, parsed.Request));
    }

    /// <summary>Lets a client in whose credentials have been read.</summary>
    /// <param name="context">The request.</param>
    /// <param name="credentials">Its credentials.</param>
    /// <param name="arrived">When it arrived, a timestamp of the clock.</param>
    /// <param name="answer">Answers, once the client is known.</param>
    internal async Task WithinAdmissionAsync(HttpContext context, ClientCredentials credentials, long arrived, Func<Caller, Task> answer)
    {
        if (!admission.TryEnter(out var place))
        {
            await RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Unknown(credentials.ClientId));
            return;
        }

        try
        {
            if (await AuthenticateAsync(context, credentials, arrived) is { } caller)
            {
                await answer(caller);
            }
        }
        finally
        {
            admission.Leave(place);
        }
    }

    /// <summary>Asks who the caller is, and answers when that is not known.</summary>
    internal async Task<Caller?> AuthenticateAsync(HttpContext context, ClientCredentials credentials, long arrived)
    {
        var answer = await authority.AuthenticateAsync(credentials, SourceNetwork.Of(context), context.RequestAborted);
        switch (answer.Kind)
        {
            case DecisionKind.Allowed:
                return new Caller(
                    credentials.ClientId,
                    answer.Scopes.IsDefault ? [] : answer.Scopes,
                    answer.Introspects.IsDefault ? [] : answer.Introspects);
            case DecisionKind.Refused:
                var client = answer.Refusal == Refusal.UnknownClient ? LoggableClient.Unknown(credentials.ClientId) : LoggableClient.Known(credentials.ClientId);
                await RefuseAsync(context, RefusalMapping.ErrorOf(answer.Refusal), client, arrived, answer.Refusal.ToString());
                return null;
            default:
                await RefuseAsync(context, OAuthError.TemporarilyUnavailable, LoggableClient.Unknown(credentials.ClientId));
                return null;
        }
    }

    /// <summary>Answers with an error.</summary>
    /// <param name="context">The request.</param>
    /// <param name="error">The error.</param>
    /// <param name="client">Who asked.</param>
    /// <param name="arrived">When it arrived, a timestamp of the clock: a failed authentication is held until its beat.</param>
    /// <param name="reason">More than the caller is told, for the log.</param>
    internal async Task RefuseAsync(HttpContext context, OAuthError error, LoggableClient client, long arrived = 0, string? reason = null)
    {
        if (ReferenceEquals(error, OAuthError.ClientAuthenticationFailed))
        {
            await pacer.WaitAsync(arrived);
        }

        TimeSpan? after = error.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable
            ? ComeBackAfter
            : null;
        await OAuthAnswer.WriteErrorAsync(context.Response, error, after);
        if (refusals.MayLog(client.Standing))
        {
            LogRefused(
                context.Request.Path.Value ?? "", client.Text, error.Code, reason ?? error.Description,
                SourceNetwork.AddressOf(context), context.TraceIdentifier);
        }
    }

    [LoggerMessage(1301, LogLevel.Information, "{Path} refused to client {ClientId}: {Error} ({Reason}), from {RemoteAddress} ({CorrelationId})")]
    private partial void LogRefused(string path, string clientId, string error, string reason, string remoteAddress, string correlationId);
}

/// <summary>A client that has proven who it is.</summary>
/// <param name="ClientId">Its id.</param>
/// <param name="Scopes">The scopes that it is registered with.</param>
/// <param name="Introspects">The audiences that it is the API of.</param>
internal sealed record Caller(ClientId ClientId, ImmutableArray<string> Scopes, ImmutableArray<string> Introspects)
{
    // Known to the server alone; registered as any other scope.
    private const string IntrospectScope = "authcluster:introspect";

    /// <summary>Whether it may see every token.</summary>
    public bool SeesAll => Scopes.Contains(IntrospectScope);

    /// <summary>Whether it may read the feed of revocations.</summary>
    public bool MayReadFeed => SeesAll || !Introspects.IsEmpty;

    /// <summary>Whether it may be told about a token: its own, one for an API that it is, or all.</summary>
    public bool MaySee(ValidatedToken token) =>
        token.ClientId == ClientId || SeesAll || token.Audiences.Any(audience => Introspects.Contains(audience));
}
