using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Warns of secrets that run out, 30, 7 and 1 days ahead: each warning once, by the silo that stores first that
/// it gives it. Sweeps what has ended, in small steps.
/// </summary>
/// <remarks>A silo that is killed between storing and logging a warning loses that one; the next threshold warns again.</remarks>
internal sealed partial class ExpiryWatch(
    ExpiryStore store, IdempotencyStore idempotency, UsageStore usage, StorageGate gate, SecretMetrics metrics, TimeProvider clock, ILogger<ExpiryWatch> logger)
    : BackgroundService
{
    private const int RowsAStep = 500;
    private const int MostSteps = 20;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    // A year, and a month to compare with the year before.
    private static readonly TimeSpan UsageIsKept = TimeSpan.FromDays(400);

    // The nearest first: a secret that is found a day before its end is warned of once, not three times.
    private static readonly int[] DaysAhead = [1, 7, 30];

    /// <summary>Looks once.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await gate.ReadAsync(async token => metrics.SoonestIs(await store.SoonestAsync(now, token)), cancellationToken);
        foreach (var days in DaysAhead)
        {
            await StepsAsync(
                async token =>
                {
                    var claimed = await store.ClaimAsync(now, days, RowsAStep, token);
                    foreach (var secret in claimed)
                    {
                        LogExpiring(secret.ClientId, secret.SecretId, days, secret.ExpiresAt);
                    }

                    return claimed.Count;
                },
                cancellationToken);
        }

        await StepsAsync(token => store.SweepAsync(now, RowsAStep, token), cancellationToken);
        await StepsAsync(token => idempotency.SweepAsync(now, RowsAStep, token), cancellationToken);
        await StepsAsync(token => usage.SweepAsync(now - UsageIsKept, RowsAStep, token), cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        try
        {
            do
            {
                try
                {
                    await LookAsync(stoppingToken);
                }
                catch (Exception e) when (StorageFaults.IsFault(e)) // a statement that is refused ends no silo
                {
                    LogDelayed(e);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private async Task StepsAsync(Func<CancellationToken, Task<int>> step, CancellationToken cancellationToken)
    {
        var rows = RowsAStep;
        for (var steps = 0; rows == RowsAStep && steps < MostSteps; steps++)
        {
            await gate.WriteAsync(async token => rows = await step(token), cancellationToken);
        }
    }

    [LoggerMessage(1107, LogLevel.Warning, "The secret {SecretId} of client {ClientId} runs out within {Days} days, at {ExpiresAt}.")]
    private partial void LogExpiring(string clientId, string secretId, int days, DateTimeOffset expiresAt);

    [LoggerMessage(1108, LogLevel.Warning, "Storage is not available to look for secrets that run out; looking again later.")]
    private partial void LogDelayed(Exception exception);
}
