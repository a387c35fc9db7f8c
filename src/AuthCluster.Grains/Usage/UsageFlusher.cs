using System.Security.Cryptography;
using AuthCluster.Grains.Time;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Usage;

/// <summary>
/// Writes the usage of a silo every two seconds, many activations in one transaction, and once more after the
/// silo has stopped.
/// </summary>
/// <remarks>
/// A batch whose outcome is not known is held, and repeated under its number before any other, so that each count is stored once. A batch
/// that the database refuses is halved, and halved again, until the clients whose rows are refused stand alone. These are set aside and
/// tried again later, so that they hold up no others. Where the database refuses everything, nobody is set aside.
/// </remarks>
internal sealed partial class UsageFlusher(
    UsageBook book, SiloActivity activity, UsageStore store, TimeProvider clock, ILogger<UsageFlusher> logger) : BackgroundService
{
    private const int MaxBatch = 500;

    // A table that refuses every row is found out by so many tries, not by a try for each client.
    private const int MaxRefusals = 32;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetrySetAsideAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

#pragma warning disable CA2213 // It has no wait handle to free, and a running flush may outlive the services of the process.
    private readonly SemaphoreSlim _turn = new(1);
#pragma warning restore CA2213
    private readonly string _writer = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private List<UsageChange>? _held;
    private long _number = 1;
    private bool _isStopping;
    private long? _setAsideTriedAt;
    private long? _setAsideLoggedAt;

    /// <summary>Writes what was counted before this call. Later counts are left to the next call, so that this one ends however busy the silo is.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var left = book.DirtyCount;
            if (_held is { } held)
            {
                await WriteAsync(held, cancellationToken);
            }

            for (; left > 0; left -= MaxBatch)
            {
                await WriteAsync(book.Take(Math.Min(left, MaxBatch)), cancellationToken);
            }

            await RetrySetAsideAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes what is left, with a deadline of its own: the host's may have passed while the silo stopped.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var deadline = new CancellationTokenSource(StopDeadline, clock);
        Exception? failure = null;
        (_isStopping, _setAsideTriedAt) = (true, null);
        try
        {
            await FlushAsync(deadline.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException || deadline.IsCancellationRequested)
        {
            failure = e;
        }

        if (book.DirtyCount + book.SetAsideCount + (_held?.Count ?? 0) is > 0 and var lost)
        {
            LogLost(failure, lost);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new Ticks("Writing the usage", clock, logger).RunOutOfStepAsync(
        Period,
        token =>
        {
            activity.Sample();
            book.ForgetMinutesBefore(clock.GetUtcNow());
            return FlushAsync(token);
        },
        stoppingToken);

    /// <summary>Writes a batch. If it is refused, writes its halves, and so on, and sets aside the clients that are refused alone.</summary>
    private async Task WriteAsync(List<UsageChange> batch, CancellationToken cancellationToken)
    {
        var parts = new Stack<List<UsageChange>>([batch]);
        var alone = new List<UsageChange>();
        UsageRefusedException? refusal = null;
        var (isSomeStored, refusals) = (false, 0);
        try
        {
            while ((isSomeStored || refusals < MaxRefusals) && parts.TryPop(out var part))
            {
                if (await TryAsync(part, cancellationToken) is not { } refused)
                {
                    isSomeStored = true;
                    continue;
                }

                (refusal, refusals) = (refused, refusals + 1);
                if (part.Count == 1)
                {
                    alone.Add(part[0]);
                    continue;
                }

                parts.Push(part[(part.Count / 2)..]);
                parts.Push(part[..(part.Count / 2)]);
            }

            if (refusal is not null && !isSomeStored)
            {
                throw refusal;
            }

            if (refusal is not null)
            {
                SetAside([.. alone], refusal);
                alone.Clear();
            }
        }
        finally
        {
            // None of these is stored. Parts that were not tried come first, so that the next flush begins with them.
            foreach (var part in parts)
            {
                UsageBook.Return(part);
            }

            UsageBook.Return(alone);
        }
    }

    /// <summary>Tries the clients that are set aside, each alone: once a minute until 32 are refused again; all of them at the stop.</summary>
    private async Task RetrySetAsideAsync(CancellationToken cancellationToken)
    {
        if (_setAsideTriedAt is { } last && clock.GetElapsedTime(last) < RetrySetAsideAfter)
        {
            return;
        }

        _setAsideTriedAt = clock.GetTimestamp();
        var refusals = 0;
        for (var left = book.SetAsideCount; left > 0 && (_isStopping || refusals < MaxRefusals) && book.TakeSetAside() is { } change; left--)
        {
            if (await TryAsync([change], cancellationToken) is { } refusal)
            {
                SetAside([change], refusal);
                refusals++;
                continue;
            }

            change.Source.IsRefused = false;
        }
    }

    /// <summary>Writes changes under the next number, and holds them until it is known whether they are stored.</summary>
    /// <returns>The refusal, after which nothing is stored; null when they are stored.</returns>
    private async Task<UsageRefusedException?> TryAsync(List<UsageChange> changes, CancellationToken cancellationToken)
    {
        var isRepeated = ReferenceEquals(_held, changes);
        _held = changes;
        try
        {
            await store.FlushAsync(
                new UsageFlush(_writer, _number, clock.GetUtcNow()),
                [.. changes.SelectMany(change => change.Counts)],
                [.. changes.SelectMany(change => change.LastUses)],
                cancellationToken);
        }
        catch (UsageRefusedException e)
        {
            _held = null;
            return e;
        }
        catch (Exception e) when (!isRepeated && StorageFaults.Of(e) == StorageFault.Rejected)
        {
            UsageBook.Return(changes);
            _held = null;
            throw;
        }

        _held = null;
        _number++;
        return null;
    }

    private void SetAside(List<UsageChange> changes, UsageRefusedException refusal)
    {
        UsageBook.SetAside(changes);
        if (_setAsideLoggedAt is not { } last || clock.GetElapsedTime(last) >= LogInterval)
        {
            _setAsideLoggedAt = clock.GetTimestamp();
            LogSetAside(refusal, changes[0].Source.ClientId, book.SetAsideCount);
        }
    }

    [LoggerMessage(1103, LogLevel.Error, "The usage of {Count} clients could not be written before the end of the process and is lost.")]
    private partial void LogLost(Exception? exception, int count);

    [LoggerMessage(1111, LogLevel.Error, "The database refuses the usage of client {ClientId}. It stays in memory and is tried again, at most 32 clients each minute; {Count} clients wait so.")]
    private partial void LogSetAside(Exception exception, string clientId, int count);
}
