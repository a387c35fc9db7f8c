using System.Globalization;
using AuthCluster.Client.Clients;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Revocation;

/// <summary>
/// The revocations of the server's feed: read in the background, checked without waiting.
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
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    /// <summary>A server holds a request for seconds: what comes sooner and brings nothing new is no reason to ask at once.</summary>
    private static readonly TimeSpan BetweenIdlePages = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A long feed is read page by page without a pause up to here, then slowly: two servers that differ would send a reader in circles.
    /// </summary>
    private const int QuickPages = 100;

    private static readonly TimeSpan BetweenMorePages = TimeSpan.FromMilliseconds(50);

    private readonly AuthorizationServer _server;
    private readonly RevocationFeedOptions _options;
    private readonly RevocationMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly RevocationList _list;
    private readonly long _started;
    private readonly TaskCompletionSource _firstRead = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The moment of the server's last answer, a timestamp of the monotonic clock; 0 until the feed has been read to its end.</summary>
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

    /// <summary>Follows the feed until cancelled, whatever happens. One caller only: the hosted service that the registration adds.</summary>
    internal async Task FollowAsync(CancellationToken cancellationToken)
    {
        string? after = null;
        var (failures, pages) = (0, 0);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                // After a failure, and at the start, the answer must not be held: it tells how far behind we are.
                var held = failures == 0 && _firstRead.Task.IsCompleted;
                var asked = _clock.GetTimestamp();
                var page = await PollAsync(after, held ? _options.PollWait : TimeSpan.Zero, cancellationToken);
                var isAtEnd = page.Items.Count == 0;
                var isNew = !isAtEnd && page.Next != after;
                Apply(page.Items);
                after = page.Next;
                if (held || isAtEnd)
                {
                    failures = 0;
                    Confirm();
                }

                pages = isNew ? pages + 1 : 0;
                if (held ? !isNew : !isNew && !isAtEnd)
                    await new Pause(asked, BetweenIdlePages).WaitAsync(_clock, cancellationToken);
                else if (pages > QuickPages)
                    await new Pause(asked, BetweenMorePages).WaitAsync(_clock, cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                var failure = e as AuthClusterException;
                // A server that asks for longer than our own limit is asked again at that limit: revocations must not wait.
                var pause = Pause.After(failures++, FirstPause, MaxPause, Pause.Smaller(failure?.RetryAfter ?? TimeSpan.Zero, MaxPause));
                LogFailed(e, failure?.Code ?? e.GetType().Name, Age, pause);
                await Pause.Of(pause, _clock).WaitAsync(_clock, cancellationToken);
            }
        }
    }

    private void Apply(IEnumerable<FeedItem> items)
    {
        foreach (var item in items)
        {
            if (!_list.Apply(item))
                LogUnknownItem();
        }

        _list.Sweep();
    }

    private void Confirm()
    {
        Volatile.Write(ref _confirmed, _clock.GetTimestamp());
        if (_firstRead.TrySetResult())
            LogRead(_list.Count);
    }

    private Task<(IReadOnlyList<FeedItem> Items, string Next)> PollAsync(string? after, TimeSpan wait, CancellationToken cancellationToken)
    {
        var budget = RequestBudget.Of(wait + AnswerMargin, retries: 0, _clock);
        return _server.WithinAsync(budget, bounded => ReadAsync(after, wait, budget, bounded), cancellationToken);
    }

    private async Task<(IReadOnlyList<FeedItem> Items, string Next)> ReadAsync(string? after, TimeSpan wait, RequestBudget budget, CancellationToken cancellationToken)
    {
        var query = $"?wait={((int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)}" + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}");
        using var response = await _server.GetAsync(new Uri(_server.RevocationFeed() + query), budget, cancellationToken);
        if (!response.Message.IsSuccessStatusCode)
            throw await response.ReadErrorAsync(_clock, cancellationToken);
        return await JsonAnswer.TryReadAsync(response.Message, FeedJson.Default.FeedPage, cancellationToken) is { Items: { } items, Next: { Length: > 0 } next } && !items.Contains(null)
            ? (items.OfType<FeedItem>().ToList(), next)
            : throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, "What the revocation feed's address answers is not a page of it.");
    }

    [LoggerMessage(1380, LogLevel.Information, "The revocation feed has been read; {Count} revocations are in force")]
    private partial void LogRead(int count);

    [LoggerMessage(1381, LogLevel.Warning, "The revocation feed can't be followed: {Error}. The last answer is {Age} old; asking again in {Pause}")]
    private partial void LogFailed(Exception exception, string error, TimeSpan? age, TimeSpan pause);

    [LoggerMessage(1382, LogLevel.Error, "The revocation feed holds an item that this version does not know: update the package, or this application ignores revocations of that kind")]
    private partial void LogUnknownItem();
}
