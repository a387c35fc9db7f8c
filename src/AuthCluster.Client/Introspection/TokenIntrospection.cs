using System.Security.Cryptography;
using System.Text;
using AuthCluster.Client.Clients;
using AuthCluster.Client.Revocation;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Introspection;

/// <summary>
/// Asks the server about a token (RFC 7662), with a short cache. Register with <c>AddAuthClusterIntrospection</c>.
/// </summary>
/// <remarks>
/// Validate the token first: a forged token then neither reaches the server nor fills the cache. The cache is keyed by the token's hash; it holds
/// no token.
/// </remarks>
public sealed partial class TokenIntrospection
{
    /// <summary>How long "no answer" is used again, so that an outage costs one time-out and not one for each request.</summary>
    private static readonly TimeSpan UnknownFor = TimeSpan.FromSeconds(1);

    private readonly BoundedCache<string, Answer> _answers;
    private readonly AuthorizationServer _server;
    private readonly IntrospectionOptions _options;
    private readonly RevocationMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly OutageGuard _guard;

    internal TokenIntrospection(AuthorizationServer server, IntrospectionOptions options, RevocationMetrics metrics, TimeProvider clock, ILogger<TokenIntrospection> logger)
    {
        _server = server;
        _options = options;
        _metrics = metrics;
        _clock = clock;
        _logger = logger;
        _guard = new OutageGuard(clock);
        _answers = new BoundedCache<string, Answer>(options.MaxCached);
    }

    /// <summary>
    /// The token's standing by the server's answer, at most <see cref="IntrospectionOptions.CacheFor"/> old.
    /// <see cref="TokenStanding.Revoked"/> stands for every <c>active: false</c>: also for a token that this client has
    /// no right to see.
    /// </summary>
    /// <param name="token">The token.</param>
    /// <param name="cancellationToken">Ends this caller's wait.</param>
    public async ValueTask<TokenStanding> CheckAsync(string token, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(token);
        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        var answer = _answers.TryGetRecent(key, out var known) && IsGood(known) ? known : FindOrAsk(key, token);
        var standing = await answer.Standing.Value.WaitAsync(cancellationToken);
        _metrics.Checked(standing);
        return standing;
    }

    /// <summary>One request however many callers come with the same token.</summary>
    private Answer FindOrAsk(string key, string token) =>
        _answers.GetOrAdd(key, IsGood, _ => new Answer(new Lazy<Task<TokenStanding>>(() => AskAsync(token)), _clock.GetTimestamp()));

    private bool IsGood(Answer answer) => !answer.HasEnded(_clock, _options.CacheFor);

    private async Task<TokenStanding> AskAsync(string token)
    {
        if (!_guard.MayAsk())
            return TokenStanding.Unknown;
        var started = _clock.GetTimestamp();
        var standing = TokenStanding.Unknown;
        try
        {
            // The request is shared, so it ends by its own time-out and by no caller's cancellation.
            var budget = RequestBudget.Of(_options.Timeout, retries: _guard.IsOutage ? 0 : 1, _clock);
            standing = await _server.WithinAsync(budget, bounded => RequestAsync(token, budget, bounded), CancellationToken.None) ? TokenStanding.Active : TokenStanding.Revoked;
            _guard.Succeeded();
        }
        catch (AuthClusterException e)
        {
            _guard.Failed(e.RetryAfter);
            LogFailed(e, e.Code);
        }

        _metrics.Introspected(standing, _clock.GetElapsedTime(started));
        return standing;
    }

    private async Task<bool> RequestAsync(string token, RequestBudget budget, CancellationToken cancellationToken)
    {
        var address = await _server.IntrospectionEndpointAsync(cancellationToken);
        using var response = await _server.PostFormAsync(address, [new("token", token), new("token_type_hint", "access_token")], budget, cancellationToken);
        if (!response.Message.IsSuccessStatusCode)
            throw await response.ReadErrorAsync(_clock, cancellationToken);
        return (await JsonAnswer.TryReadAsync(response.Message, ClientJson.Default.IntrospectionResponse, cancellationToken))?.Active
            ?? throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, "The introspection answer does not say whether the token is active.");
    }

    [LoggerMessage(1383, LogLevel.Warning, "A token's standing could not be asked for: {Error}")]
    private partial void LogFailed(Exception exception, string error);

    private sealed record Answer(Lazy<Task<TokenStanding>> Standing, long AskedAt)
    {
        public bool HasEnded(TimeProvider clock, TimeSpan cacheFor) =>
            Standing is { IsValueCreated: true, Value: { IsCompleted: true } standing }
            && clock.GetElapsedTime(AskedAt) >= (standing.IsCompletedSuccessfully && standing.Result != TokenStanding.Unknown ? cacheFor : UnknownFor);
    }
}
