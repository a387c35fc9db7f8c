using System.Globalization;
using System.Text.Json;
using AuthCluster.Client.Clients;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Revocation;

/// <summary>
/// What has been revoked, as the server's feed tells it: followed in the background, asked without waiting.
/// </summary>
/// <remarks>
/// A request is held by the server until there is something new, so a revocation is known here within the time of one
/// answer. The list lives in memory and is read from the beginning after a start. Register with
/// <c>AddAuthClusterRevocationFeed</c>; the client needs the right to the feed (<c>introspects</c> or the scope
/// <c>authcluster:introspect</c>).
/// </remarks>
public sealed partial class RevocationFeed
{
    private static readonly TimeSpan AnswerMargin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly AuthorizationServer _server;
    private readonly RevocationFeedOptions _options;
    private readonly RevocationMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly RevocationList _list;
    private readonly long _started;
    private readonly TaskCompletionSource _firstRead = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The moment of the server's last word, a timestamp of the monotonic clock; 0 until the feed has been read to its end.</summary>
    private long _confirmed;

    internal RevocationFeed(AuthorizationServer server, RevocationFeedOptions options, RevocationMetrics metrics, TimeProvider clock, ILogger<RevocationFeed> logger)
    {
        _server = server;
        _options = options;
        _metrics = metrics;
        _clock = clock;
        _started = clock.GetTimestamp();
        _logger = logger;
        _list = new RevocationList(clock);
        metrics.ObserveFeed(() => Age is { } age ? age.TotalSeconds : null);
    }

    /// <summary>How long ago the server last confirmed the list, or null when the feed has not been read yet.</summary>
    public TimeSpan? Age => Volatile.Read(ref _confirmed) is var confirmed && confirmed == 0 ? null : _clock.GetElapsedTime(confirmed);

    /// <summary>
    /// The token's standing by what is known now. A revocation that is known counts however old the list is; for "active"
    /// the list must not be older than <see cref="RevocationFeedOptions.MaxAge"/>.
    /// </summary>
    /// <param name="token">The validated token.</param>
    public TokenStanding Check(in TokenIdentity token)
    {
        var standing = _list.IsRevoked(token) ? TokenStanding.Revoked : Age <= _options.MaxAge ? TokenStanding.Active : TokenStanding.Unknown;
        _metrics.Checked(standing);
        return standing;
    }

    /// <summary>As <see cref="Check"/>, but waits, right after a start, for the feed to have been read.</summary>
    /// <param name="token">The validated token.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<TokenStanding> CheckAsync(TokenIdentity token, CancellationToken cancellationToken = default)
    {
        if (!_firstRead.Task.IsCompleted && _options.FirstReadWait - _clock.GetElapsedTime(_started) is var left && left > TimeSpan.Zero)
        {
            try
            {
                await _firstRead.Task.WaitAsync(left, _clock, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Check answers Unknown
            }
        }

        return Check(token);
    }

    /// <summary>Follows the feed until cancelled. One caller only: the hosted service that the registration adds.</summary>
    internal async Task FollowAsync(CancellationToken cancellationToken)
    {
        string? after = null;
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                // After a failure, and at the start, the answer must not be held: it tells how far behind we are.
                var held = failures == 0 && _firstRead.Task.IsCompleted;
                var page = await PollAsync(after, held ? _options.PollWait : TimeSpan.Zero, cancellationToken);
                after = Apply(page) ?? after;
                if (held || page.Items is null or { Count: 0 })
                {
                    Volatile.Write(ref _confirmed, _clock.GetTimestamp());
                    failures = 0;
                    if (_firstRead.TrySetResult())
                        LogRead(_list.Count);
                }
            }
            catch (AuthClusterException e) when (!cancellationToken.IsCancellationRequested)
            {
                var pause = Pause(failures++, e.RetryAfter);
                LogFailed(e, e.Code, Age, pause);
                await Task.Delay(pause, _clock, cancellationToken);
            }
        }
    }

    private string? Apply(FeedPage page)
    {
        foreach (var item in page.Items ?? [])
        {
            if (!_list.Apply(item))
                LogUnknownItem();
        }

        _list.Sweep();
        return page.Next;
    }

    private async Task<FeedPage> PollAsync(string? after, TimeSpan wait, CancellationToken cancellationToken)
    {
        var longest = wait + AnswerMargin;
        var query = $"?wait={((int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)}" + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}");
        using var response = await _server.GetAsync(new Uri(_server.RevocationFeed() + query), new RequestBudget(longest, longest, Retries: 0), cancellationToken);
        if (!response.Message.IsSuccessStatusCode)
            throw await response.ReadErrorAsync(_clock, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(await response.Message.Content.ReadAsByteArrayAsync(cancellationToken), FeedJson.Default.FeedPage)
                ?? throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, "The revocation feed's answer is empty.");
        }
        catch (JsonException e)
        {
            throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, "The revocation feed's answer is not the JSON that it should be.", innerException: e);
        }
    }

    private static TimeSpan Pause(int failures, TimeSpan? asked)
    {
        var doubled = FirstPause * Math.Pow(2, Math.Min(failures, 10));
        var pause = doubled < LongestPause ? doubled : LongestPause;
        // A server that asks for longer than our own limit is asked again at that limit: revocations must not wait.
        return ServerResilience.Spread(asked > pause ? (asked < LongestPause ? asked.Value : LongestPause) : pause) ?? pause;
    }

    [LoggerMessage(1380, LogLevel.Information, "The revocation feed has been read; {Count} revocations are in force")]
    private partial void LogRead(int count);

    [LoggerMessage(1381, LogLevel.Warning, "The revocation feed can't be followed: {Error}. Its last word is {Age} old; asking again in {Pause}")]
    private partial void LogFailed(Exception exception, string error, TimeSpan? age, TimeSpan pause);

    [LoggerMessage(1382, LogLevel.Error, "The revocation feed holds an item that this version does not know: update the package, or revocations of that kind go unheard")]
    private partial void LogUnknownItem();
}
