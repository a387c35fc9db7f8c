using AuthCluster.Contracts.Revocation;
using AuthCluster.Web.GrainCalls;
using Microsoft.Extensions.Hosting;

namespace AuthCluster.Web.Revocation;

/// <summary>
/// Holds the readers of the feed until there is something new. It asks the feed every quarter second for the whole process, and not at
/// all while nobody waits.
/// </summary>
/// <remarks>
/// A reader takes the signal of the next news, then reads, then waits, so that it misses nothing: what became visible before its read is
/// in its page, and what comes later wakes it. The watch reads from the cursor of the reader who came first, so a later reader may be
/// woken for nothing, which costs it one more read.
/// </remarks>
public sealed class RevocationWatch(IGrainFactory grains, CallRetry retry, CallTimeouts timeouts, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    // While the process stops, held readers are answered at once, and a reader that comes back is held for this long at most.
    private static readonly TimeSpan MaxWaitInStop = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private TaskCompletionSource<News> _signal = NewSignal();
    private int _waiting;
    private bool _running;

    /// <summary>What the watch saw: a page, and the cursor that it was read from.</summary>
    private sealed record News(string After, RevocationFeedAnswer Page);

    /// <summary>
    /// Reads what became visible after a cursor, and waits for it when there is nothing. Answers at the latest
    /// <paramref name="wait"/> after the request came, or 8 s later where the silos do not answer.
    /// </summary>
    /// <param name="after">The cursor; null for the beginning.</param>
    /// <param name="wait">How long to wait for something new.</param>
    /// <param name="arrived">When the request came, a timestamp of the clock: the authentication of the caller uses part of the wait.</param>
    /// <param name="cancellationToken">The reader has gone.</param>
    public async Task<RevocationFeedAnswer> ReadAsync(string? after, TimeSpan wait, long arrived, CancellationToken cancellationToken)
    {
        var asked = arrived;
        var cursor = after;
        while (true)
        {
            var signal = Signal();
            var page = await AskAsync(cursor, asked, cancellationToken);
            var left = (lifetime.ApplicationStopping.IsCancellationRequested && wait > MaxWaitInStop ? MaxWaitInStop : wait)
                - clock.GetElapsedTime(arrived);
            if (!page.Known || !page.Items.IsEmpty || left <= TimeSpan.Zero)
            {
                return page;
            }

            cursor = page.Next;
            if (await WaitAsync(signal, cursor, left, cancellationToken) is not { } news)
            {
                return page;
            }

            if (news.After == cursor && news.Page is { Known: true, Items.IsEmpty: false })
            {
                return news.Page;
            }

            asked = clock.GetTimestamp();
        }
    }

    private Task<News> Signal()
    {
        lock (_lock)
        {
            return _signal.Task;
        }
    }

    /// <summary>Waits for news; null when the time is over or the process stops.</summary>
    private async Task<News?> WaitAsync(Task<News> signal, string cursor, TimeSpan wait, CancellationToken cancellationToken)
    {
        Enter(cursor);
        try
        {
            // During a stop this token is cancelled already, so it can't end the wait; the rest of the wait is short.
            var stopping = lifetime.ApplicationStopping;
            using var linked = stopping.IsCancellationRequested
                ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken)
                : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
            return await signal.WaitAsync(wait, clock, linked.Token);
        }
        catch (TimeoutException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            Leave();
        }
    }

    private void Enter(string cursor)
    {
        lock (_lock)
        {
            _waiting++;
            if (!_running)
            {
                _running = true;
                _ = WatchAsync(cursor);
            }
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _waiting--;
        }
    }

    /// <summary>Runs while somebody waits.</summary>
    private async Task WatchAsync(string cursor)
    {
        try
        {
            await WatchWhileWaitedForAsync(cursor);
        }
        catch
        {
            // The next reader starts it again.
            lock (_lock)
            {
                _running = false;
            }

            throw;
        }
    }

    private async Task WatchWhileWaitedForAsync(string cursor)
    {
        while (true)
        {
            await Task.Delay(Period, clock, CancellationToken.None);
            lock (_lock)
            {
                if (_waiting == 0)
                {
                    _running = false;
                    return;
                }
            }

            var page = await AskAsync(cursor, clock.GetTimestamp(), CancellationToken.None);
            if (!page.Known || !page.Items.IsEmpty)
            {
                // When storage does not answer, tell the readers that, rather than that there is nothing new.
                Publish(new News(cursor, page));
            }

            cursor = page.Known ? page.Next : cursor;
        }
    }

    private void Publish(News news)
    {
        TaskCompletionSource<News> signal;
        lock (_lock)
        {
            signal = _signal;
            _signal = NewSignal();
        }

        signal.TrySetResult(news);
    }

    private async Task<RevocationFeedAnswer> AskAsync(string? cursor, long started, CancellationToken cancellationToken) =>
        await retry.AskAsync(
            (cursor, _) => grains.GetGrain<IRevocationFeedGrain>(IRevocationFeedGrain.Key).ReadAsync(cursor, IRevocationFeedGrain.MaxItems, CancellationToken.None).WaitAsync(cancellationToken),
            cursor,
            timeouts.Quick,
            started,
            cancellationToken)
        ?? new RevocationFeedAnswer { Known = false };

    private static TaskCompletionSource<News> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
