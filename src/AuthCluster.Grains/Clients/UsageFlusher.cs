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
internal sealed partial class UsageFlusher(
    UsageBook book, SiloActivity activity, UsageStore store, TimeProvider clock, ILogger<UsageFlusher> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private const int MostAtOnce = 500;

    /// <summary>Writes everything that is counted and not written yet.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (book.Take(MostAtOnce) is { Count: > 0 } changes)
        {
            try
            {
                await store.FlushAsync(UsageRows(changes), LastUsedRows(changes), cancellationToken);
            }
            catch (Exception e) when (StorageFaults.IsFault(e) || e is OperationCanceledException)
            {
                UsageBook.Return(changes);
                LogDelayed(e, changes.Count);
                return;
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await FlushAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                activity.Sample();
                await FlushAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The stop flushes once more.
        }
    }

    private static List<UsageCount> UsageRows(List<UsageChange> changes) =>
        [.. changes.SelectMany(change => change.Counts.Select(count => new UsageCount(
            change.Source.ClientId,
            new DateTimeOffset(count.Key.Hour * TimeSpan.TicksPerHour, TimeSpan.Zero),
            count.Key.Outcome,
            change.Source.Writer,
            count.Value)))];

    private static List<LastUse> LastUsedRows(List<UsageChange> changes) =>
        [.. changes.SelectMany(change => change.LastUsed.Select(use => new LastUse(
            change.Source.ClientId,
            use.Key.Kind,
            use.Key.Value,
            new DateTimeOffset(use.Value * TimeSpan.TicksPerMinute, TimeSpan.Zero))))];

    [LoggerMessage(1103, LogLevel.Warning, "The usage of {Count} clients could not be written; it is kept and written later.")]
    private partial void LogDelayed(Exception exception, int count);
}
