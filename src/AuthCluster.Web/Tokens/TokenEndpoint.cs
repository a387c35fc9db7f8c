using System.Buffers;
using System.IO.Pipelines;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Cluster;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// <c>POST /oauth/token</c> (RFC 6749 section 4.4): parse, ask the client's grain, sign, answer.
/// </summary>
/// <remarks>
/// The folder owns the way of a token request through the front end. <c>TokenRequestParser</c> knows the
/// protocol, <see cref="ClientAuthority"/> whom to ask and how often, <see cref="RefusalMapping"/> what a refusal
/// is called outside, <see cref="TokenSigner"/> the keys. This class puts them in order and decides nothing.
/// </remarks>
public sealed partial class TokenEndpoint(
    ClientAuthority authority,
    TokenSigner signer,
    ReusableTokens reusable,
    RefusalPacer pacer,
    RefusalLog refusals,
    Admission admission,
    TokenMetrics metrics,
    TimeProvider clock,
    ILoggerFactory loggers)
{
    /// <summary>Largest accepted form body, in bytes.</summary>
    public const int MaxFormBytes = 16_384;

    private const string Issued = "issued";

    private static readonly TimeSpan ComeBackAfter = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    private readonly ILogger _logger = loggers.CreateLogger("AuthCluster.Tokens");

    // A category of its own, so that one setting turns on the record of who got which token.
    private readonly ILogger _issuance = loggers.CreateLogger("AuthCluster.Issuance");

    /// <summary>Handles one request of any method.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var arrived = clock.GetTimestamp();
        OAuthAnswer.ForbidCaching(context.Response);
        var request = context.Request;
        if (FormBody.CheckHead(request, MaxFormBytes) is { } headError)
        {
            await AnswerAsync(context, arrived, headError, default);
            return;
        }

        var read = await FormBody.ReadAsync(request, MaxFormBytes, clock);
        if (read.Body is not { } body)
        {
            if (read.Error is { } bodyError)
            {
                await AnswerAsync(context, arrived, bodyError, default);
            }

            return;
        }

        // A caller whose body is not there yet takes no place from those whose is.
        if (!admission.TryEnter(out var place))
        {
            request.BodyReader.AdvanceTo(body.End);
            await AnswerAsync(context, arrived, OAuthError.TemporarilyUnavailable, default);
            return;
        }

        try
        {
            await DecideAsync(context, arrived, body);
        }
        catch (Exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            // Answered and logged by the last handler, counted here.
            metrics.Answered(OAuthError.ServerError.Code, "none", clock.GetElapsedTime(arrived));
            throw;
        }
        finally
        {
            admission.Leave(place);
        }
    }

    private async Task DecideAsync(HttpContext context, long arrived, ReadOnlySequence<byte> body)
    {
        var request = context.Request;
        var parsed = FormBody.Parse(request, body, static (in FormInput input) => TokenRequestParser.Parse(input));
        request.BodyReader.AdvanceTo(body.End);
        if (!parsed.Succeeded)
        {
            await AnswerAsync(context, arrived, parsed.Error, new Asked(parsed.ClientIdIsMasked ? LoggableClient.OutsideGrammar : LoggableClient.Unknown(parsed.ClientId), parsed.AuthMethod?.Name() ?? "none"));
            return;
        }

        var token = parsed.Request;
        var credentials = new ClientCredentials { ClientId = token.ClientId, Secret = token.Secret, Method = token.AuthMethod };
        var asked = new Asked(LoggableClient.Unknown(token.ClientId), token.AuthMethod.Name());
        var answer = await authority.DecideAsync(
            credentials, secret => Command(secret, token), SourceNetwork.Of(context), context.RequestAborted);
        switch (answer.Kind)
        {
            case DecisionKind.Allowed:
                await IssueAsync(context, arrived, token.ClientId, asked with { Client = LoggableClient.Proven(token.ClientId) }, answer);
                break;
            case DecisionKind.Refused:
                await RefuseAsync(context, arrived, token, asked, answer);
                break;
            default:
                await AnswerAsync(context, arrived, OAuthError.TemporarilyUnavailable, asked);
                break;
        }
    }

    private async Task IssueAsync(HttpContext context, long arrived, ClientId clientId, Asked asked, IssueTokenAnswer answer)
    {
        var grant = answer.Grant!;
        if (!signer.IsReady)
        {
            await AnswerAsync(context, arrived, OAuthError.TemporarilyUnavailable, asked with { Scope = grant.Scope });
            return;
        }

        var signed = reusable.GetOrSign(clientId.Value, grant);
        WriteLimits(context.Response, answer.Limit);
        // Counted first: who has the answer finds it in the metrics.
        var elapsed = clock.GetElapsedTime(arrived);
        metrics.Answered(Issued, asked.AuthMethod, elapsed);
        await WriteTokenAsync(context.Response, signed, grant.Scope);

        if (answer.Limit is { IsExceeded: true } exceeded)
        {
            metrics.OverLimit(exceeded);
            if (refusals.MayLog(CallerStanding.Proven))
            {
                LogOverLimit(_logger, clientId.Value, grant.Scope, exceeded.RateExceeded ? "rate limit" : "quota", SourceNetwork.AddressOf(context), context.TraceIdentifier);
            }
        }

        if (_issuance.IsEnabled(LogLevel.Debug))
        {
            LogIssued(_issuance, Issued, clientId.Value, grant.Scope, signed.Jti, SourceNetwork.AddressOf(context), elapsed.TotalMilliseconds, context.TraceIdentifier);
        }
    }

    private async Task RefuseAsync(HttpContext context, long arrived, TokenRequest token, Asked asked, IssueTokenAnswer answer)
    {
        var error = RefusalMapping.ErrorOf(answer.Refusal);
        WriteLimits(context.Response, answer.Limit);
        asked = asked with { Reason = answer.Refusal.ToString() };
        if (!ReferenceEquals(error, OAuthError.ClientAuthenticationFailed))
        {
            // Targets and limits are looked at only when all scopes are the client's.
            var areRegistered = answer.Refusal is Refusal.TargetNotAllowed or Refusal.RateLimited or Refusal.QuotaExceeded;
            asked = asked with { Client = LoggableClient.Proven(token.ClientId), Scope = LoggableText.Scopes(token.RequestedScopes, areRegistered) };
        }
        else if (answer.Refusal != Refusal.UnknownClient)
        {
            asked = asked with { Client = LoggableClient.Known(token.ClientId) };
        }

        await AnswerAsync(context, arrived, error, asked, answer.Delay);
    }

    private async Task AnswerAsync(HttpContext context, long arrived, OAuthError error, Asked asked, TimeSpan retryAfter = default)
    {
        if (ReferenceEquals(error, OAuthError.ClientAuthenticationFailed))
        {
            await pacer.WaitAsync(arrived);
        }

        TimeSpan? after = error.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable
            ? (retryAfter > ComeBackAfter ? retryAfter : ComeBackAfter)
            : null;
        var elapsed = clock.GetElapsedTime(arrived);
        metrics.Answered(error.Code, asked.AuthMethod ?? "none", elapsed);
        await OAuthAnswer.WriteErrorAsync(context.Response, error, after);

        if (refusals.MayLog(asked.Client.Standing))
        {
            LogRefused(
                _logger, asked.Client.Text ?? "", error.Code, string.IsNullOrEmpty(asked.Reason) ? error.Description : asked.Reason, asked.Scope ?? "",
                SourceNetwork.AddressOf(context), elapsed.TotalMilliseconds, context.TraceIdentifier);
        }
    }

    private static IssueTokenCommand Command(PresentedSecret secret, TokenRequest token) => new(
        secret,
        token.RequestedScopes is not null,
        token.RequestedScopes ?? [],
        token.Audiences,
        token.Resources);

    private static ValueTask<FlushResult> WriteTokenAsync(HttpResponse response, SignedToken signed, string scope)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(2_048);
        buffer.ResetWrittenCount();
        TokenResponse.Write(buffer, signed.Token, signed.ExpiresIn, scope);
        response.ContentType = "application/json";
        response.ContentLength = buffer.WrittenCount;
        response.BodyWriter.Write(buffer.WrittenSpan);
        return response.BodyWriter.FlushAsync();
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

    [LoggerMessage(1000, LogLevel.Debug, "Token {Outcome} to client {ClientId}: scope {Scope}, jti {Jti}, from {RemoteAddress} in {Milliseconds} ms ({CorrelationId})")]
    private static partial void LogIssued(
        ILogger logger, string outcome, string clientId, string scope, string jti, string remoteAddress, double milliseconds, string correlationId);

    [LoggerMessage(1001, LogLevel.Information, "Token refused to client {ClientId}: {Outcome} ({Reason}), scope {Scope}, from {RemoteAddress} in {Milliseconds} ms ({CorrelationId})")]
    private static partial void LogRefused(
        ILogger logger, string clientId, string outcome, string reason, string scope, string remoteAddress, double milliseconds, string correlationId);

    [LoggerMessage(1003, LogLevel.Information, "Client {ClientId} got a token of scope {Scope} over its {Limit}, which only observes, from {RemoteAddress} ({CorrelationId})")]
    private static partial void LogOverLimit(ILogger logger, string clientId, string scope, string limit, string remoteAddress, string correlationId);

    /// <summary>What is known of who asked and for what, for the log and the metrics.</summary>
    private readonly record struct Asked(LoggableClient Client, string AuthMethod, string Reason = "", string Scope = "");
}
