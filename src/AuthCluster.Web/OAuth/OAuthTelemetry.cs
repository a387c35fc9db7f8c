using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.OAuth;

/// <summary>Counts the token requests, and logs what became of the requests to all OAuth endpoints.</summary>
public sealed partial class OAuthTelemetry(TokenMetrics metrics, RefusalLog refusals, TimeProvider clock, ILoggerFactory loggers)
{
    private const string IssuedOutcome = "issued";

    private readonly ILogger _tokens = loggers.CreateLogger("AuthCluster.Tokens");
    private readonly ILogger _callers = loggers.CreateLogger("AuthCluster.OAuth");

    // A separate category, so that one setting turns on the log of who got which token.
    private readonly ILogger _issuance = loggers.CreateLogger("AuthCluster.Issuance");

    /// <summary>Counts a request that succeeded; a token request has issued a token.</summary>
    internal void Succeeded(OAuthExchange exchange) => Count(exchange, IssuedOutcome, exchange.AuthMethod);

    /// <summary>Counts a request that failed by a fault of the server, unless it was counted before its answer was written.</summary>
    internal void Failed(OAuthExchange exchange)
    {
        if (!exchange.IsCounted)
        {
            Count(exchange, OAuthError.ServerError.Code, "none");
        }
    }

    /// <summary>Counts a refusal.</summary>
    /// <returns>How long the request took.</returns>
    internal TimeSpan Refused(OAuthExchange exchange, OAuthRefusal refusal) => Count(exchange, refusal.Error.Code, exchange.AuthMethod);

    /// <summary>Logs a refusal, within the bound of <see cref="RefusalLog"/>.</summary>
    internal void LogRefusal(OAuthExchange exchange, OAuthRefusal refusal, TimeSpan elapsed)
    {
        // Check the level first: a line that is not written must not use up the limit.
        var isForToken = exchange.Kind == OAuthEndpointKind.Token;
        if (!(isForToken ? _tokens : _callers).IsEnabled(LogLevel.Information) || !refusals.MayLog(exchange.Standing))
        {
            return;
        }

        var address = SourceNetwork.AddressOf(exchange.Context);
        var id = exchange.Context.TraceIdentifier;
        if (isForToken)
        {
            LogTokenRefused(_tokens, exchange.LoggableClient, refusal.Error.Code, refusal.Reason, refusal.Scope, address, elapsed.TotalMilliseconds, id);
        }
        else
        {
            LogCallerRefused(_callers, exchange.Request.Path.Value ?? "", exchange.LoggableClient, refusal.Error.Code, refusal.Reason, address, id);
        }
    }

    /// <summary>Logs an issued token.</summary>
    internal void LogIssued(OAuthExchange exchange, string clientId, string scope, string jti)
    {
        if (_issuance.IsEnabled(LogLevel.Debug))
        {
            LogIssued(
                _issuance, IssuedOutcome, clientId, scope, jti, SourceNetwork.AddressOf(exchange.Context),
                clock.GetElapsedTime(exchange.Arrived).TotalMilliseconds, exchange.Context.TraceIdentifier);
        }
    }

    /// <summary>Counts and logs a token that is issued over a limit that only observes.</summary>
    internal void OverLimit(OAuthExchange exchange, string clientId, string scope, LimitStanding exceeded)
    {
        metrics.OverLimit(exceeded);
        if (_tokens.IsEnabled(LogLevel.Information) && refusals.MayLog(CallerStanding.Proven))
        {
            LogOverLimit(
                _tokens, clientId, scope, exceeded.RateExceeded ? "rate limit" : "quota",
                SourceNetwork.AddressOf(exchange.Context), exchange.Context.TraceIdentifier);
        }
    }

    private TimeSpan Count(OAuthExchange exchange, string outcome, string authMethod)
    {
        if (exchange.Kind != OAuthEndpointKind.Token)
        {
            return TimeSpan.Zero;
        }

        var elapsed = clock.GetElapsedTime(exchange.Arrived);
        metrics.Answered(outcome, authMethod, elapsed);
        exchange.IsCounted = true;
        return elapsed;
    }

    [LoggerMessage(1000, LogLevel.Debug, "Token {Outcome} to client {ClientId}: scope {Scope}, jti {Jti}, from {RemoteAddress} in {Milliseconds} ms ({CorrelationId})")]
    private static partial void LogIssued(
        ILogger logger, string outcome, string clientId, string scope, string jti, string remoteAddress, double milliseconds, string correlationId);

    [LoggerMessage(1001, LogLevel.Information, "Token refused to client {ClientId}: {Outcome} ({Reason}), scope {Scope}, from {RemoteAddress} in {Milliseconds} ms ({CorrelationId})")]
    private static partial void LogTokenRefused(
        ILogger logger, string clientId, string outcome, string reason, string scope, string remoteAddress, double milliseconds, string correlationId);

    [LoggerMessage(1003, LogLevel.Information, "Client {ClientId} got a token of scope {Scope} over its {Limit}, which only observes, from {RemoteAddress} ({CorrelationId})")]
    private static partial void LogOverLimit(ILogger logger, string clientId, string scope, string limit, string remoteAddress, string correlationId);

    [LoggerMessage(1301, LogLevel.Information, "{Path} refused to client {ClientId}: {Error} ({Reason}), from {RemoteAddress} ({CorrelationId})")]
    private static partial void LogCallerRefused(
        ILogger logger, string path, string clientId, string error, string reason, string remoteAddress, string correlationId);
}
