using System.Security.Cryptography;
using AuthCluster.Grains.Cluster;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Writes the counters of a silo every two seconds, many activations in one transaction, and once more when the
/// silo has stopped.
/// </summary>
/// <remarks>
/// A flush whose outcome is not known is held and repeated under its number before any other, so that each count is stored once. One that
/// the database refuses at its first try is not stored: its counts go back to their clients, so that a row that the database does not take
/// keeps no others waiting.
/// </remarks>
internal sealed partial class UsageFlusher(
    UsageBook book, SiloActivity activity, UsageStore store, TimeProvider clock, ILogger<UsageFlusher> logger) : BackgroundService
{
    private const int MostAtOnce = 500;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LastDeadline = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly string _writer = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private List<UsageChange>? _held;
    private long _number = 1;

    /// <summary>Writes what was counted before this call. What is counted meanwhile is the next call's, so this one ends however busy the silo is.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var left = book.DirtyCount;
            while (_held is not null || left > 0)
            {
                var isRepeated = _held is not null;
                if (!isRepeated)
                {
                    _held = book.Take(Math.Min(left, MostAtOnce));
                    left -= MostAtOnce;
                }

                await WriteAsync(_held!, isRepeated, cancellationToken);
                _held = null;
                _number++;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes what is left within a deadline of its own: the host's may have passed while the silo stopped.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var deadline = new CancellationTokenSource(LastDeadline, clock);
        try
        {
            await FlushAsync(deadline.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException || deadline.IsCancellationRequested)
        {
            LogLost(e, book.DirtyCount + (_held?.Count ?? 0));
        }
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new Ticks("Writing the usage", clock, logger).RunOutOfStepAsync(
        Period,
        token =>
        {
            activity.Sample();
            return FlushAsync(token);
        },
        stoppingToken);

    private async Task WriteAsync(List<UsageChange> changes, bool isRepeated, CancellationToken cancellationToken)
    {
        try
        {
            await store.FlushAsync(
                new UsageFlush(_writer, _number, clock.GetUtcNow()),
                [.. changes.SelectMany(change => change.Counts)],
                [.. changes.SelectMany(change => change.LastUses)],
                cancellationToken);
        }
        catch (Exception e) when (!isRepeated && StorageFaults.Of(e) == StorageFault.Rejected)
        {
            UsageBook.Return(changes);
            _held = null;
            throw;
        }
    }

    [LoggerMessage(1103, LogLevel.Error, "The usage of {Count} clients could not be written before the end of the process and is lost.")]
    private partial void LogLost(Exception exception, int count);
}
