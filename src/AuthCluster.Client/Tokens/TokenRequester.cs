using System.Diagnostics;
using AuthCluster.Client.Clients;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Tokens;

/// <summary>Asks the token endpoint for one token (RFC 6749 §4.4), with its trace, its figures and its log line.</summary>
internal sealed partial class TokenRequester(AuthorizationServer server, ClientMetrics metrics, TimeProvider clock, ILogger<TokenRequester> logger)
{
    /// <summary>RFC 6749 §5.1 lets a server leave expires_in out; then the token is kept this long and no longer.</summary>
    private static readonly TimeSpan LifetimeWhenNotSaid = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(30);

    /// <param name="target">What the token is for.</param>
    /// <param name="isRepeat">Whether the last request failed. This one is then sent once: the pauses between requests are the backoff
    /// already.</param>
    /// <param name="caller">The trace of the call that caused it.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="AuthClusterException">There is no token.</exception>
    public async Task<AccessToken> RequestAsync(TokenTarget target, bool isRepeat, ActivityContext caller, CancellationToken cancellationToken)
    {
        using var activity = ClientTracing.StartTokenRequest(caller);
        var started = clock.GetTimestamp();
        metrics.TokenRequested();
        try
        {
            var budget = RequestBudget.Of(server.Options, clock);
            var token = await server.WithinAsync(budget, bounded => AskAsync(target, isRepeat ? budget.Once() : budget, bounded), cancellationToken);
            metrics.TokenReceived(clock.GetElapsedTime(started));
            LogReceived(token.Scope, token.ExpiresAt);
            return token;
        }
        catch (AuthClusterException e)
        {
            metrics.TokenFailed(e.Error, clock.GetElapsedTime(started));
            activity?.SetTag("error.type", e.Code);
            activity?.SetStatus(ActivityStatusCode.Error, e.Code);
            throw;
        }
    }

    private async Task<AccessToken> AskAsync(TokenTarget target, RequestBudget budget, CancellationToken cancellationToken)
    {
        var address = await server.TokenEndpointAsync(cancellationToken);
        var options = server.Options;
        List<KeyValuePair<string, string>> form = [new("grant_type", "client_credentials")];
        if ((target.Scope ?? options.Scope) is { Length: > 0 } scope)
            form.Add(new("scope", scope));
        if ((target.Audience ?? options.Audience) is { Length: > 0 } audience)
            form.Add(new("audience", audience));

        LogAsking(options.ClientId, target.Scope ?? options.Scope, target.Audience ?? options.Audience);
        var requestedAt = clock.GetUtcNow();
        var requestedAtTimestamp = clock.GetTimestamp();
        using var response = await server.PostFormAsync(address, form, budget, cancellationToken);
        if (!response.Message.IsSuccessStatusCode)
            throw await response.ReadErrorAsync(clock, cancellationToken);

        var body = await JsonAnswer.TryReadAsync(response.Message, ClientJson.Default.TokenResponse, cancellationToken);
        var value = body is { AccessToken: { Length: > 0 } text, TokenType: { } type } && type.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && text.All(c => c is > ' ' and <= '~')
            ? text
            : throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, "The token endpoint's answer holds no bearer token.");
        return new AccessToken(target, value, body.Scope ?? target.Scope ?? options.Scope ?? "", Lifetime(body.ExpiresIn), requestedAt, requestedAtTimestamp);
    }

    private static TimeSpan Lifetime(long? expiresIn) => expiresIn switch
    {
        null => LifetimeWhenNotSaid,
        <= 0 => throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, "The token endpoint's answer holds a token that has expired already."),
        { } seconds when seconds > MaxLifetime.TotalSeconds => MaxLifetime,
        { } seconds => TimeSpan.FromSeconds(seconds),
    };

    [LoggerMessage(1082, LogLevel.Debug, "Asking for a token for client {ClientId}, scope '{Scope}', audience '{Audience}'")]
    private partial void LogAsking(string? clientId, string? scope, string? audience);

    [LoggerMessage(1083, LogLevel.Debug, "Received a token with scope '{Scope}' that expires at {ExpiresAt}")]
    private partial void LogReceived(string scope, DateTimeOffset expiresAt);
}
