using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Time;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Sweeps;

/// <summary>
/// Deletes what has ended from the tables, and rolls old usage up: one silo each minute, by turns, in small steps, so that a write never
/// waits long for it and tables that grew in an outage shrink over some minutes. While the clock is in doubt everything stays.
/// </summary>
internal sealed class TableSweeper(
    RevocationStore revocations,
    IdempotencyStore idempotency,
    ExpiryStore expiry,
    UsageArchiveStore usage,
    UsageRetention retention,
    StorageGate gate,
    SiloTurns turns,
    TrustedClock trusted,
    TimeProvider clock,
    ILogger<TableSweeper> logger) : BackgroundService
{
    /// <summary>
    /// How long a revocation stays in force past the end of its tokens: a machine whose clock is behind takes them for
    /// alive so much longer, and an API that starts then must still be told.
    /// </summary>
    public static readonly TimeSpan RevocationsKeptAfterEnd = TimeSpan.FromMinutes(5);

    private const int RowsPerStep = 500;
    private const int MaxSteps = 100;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    // A process of an older build writes its counts within seconds, or, after an outage, when the database is back.
    private static readonly TimeSpan OlderBuildMargin = TimeSpan.FromDays(2);

    // A silo that has written nothing for so long has ended. While it lives it repeats a flush within seconds.
    private static readonly TimeSpan WriterRetention = TimeSpan.FromDays(30);

    /// <summary>Each sweep by its name, as the log has it.</summary>
    private IReadOnlyList<(string Name, Func<DateTimeOffset, CancellationToken, Task<int>> Step)> Sweeps =>
    [
        ("Deleting revocations whose tokens have expired", (now, token) => revocations.SweepAsync(now - RevocationsKeptAfterEnd, RowsPerStep, token)),
        ("Deleting idempotency keys that have expired", (now, token) => idempotency.SweepAsync(now, RowsPerStep, token)),
        ("Deleting warnings of secrets that have ended", (now, token) => expiry.SweepAsync(now, RowsPerStep, token)),
        ("Merging the usage that older builds counted", (now, token) => usage.MergeHoursOfOlderBuildsAsync(now - OlderBuildMargin, RowsPerStep, token)),
        ("Rolling hours of usage up to days", (now, token) => usage.MoveHoursToDaysAsync(DayOf(now - retention.Hours), RowsPerStep, token)),
        ("Deleting old days of usage", (now, token) => usage.SweepDaysAsync(DayOf(now - retention.Days), RowsPerStep, token)),
        ("Forgetting who wrote usage", (now, token) => usage.SweepWritersAsync(now - WriterRetention, RowsPerStep, token)),
    ];

    /// <summary>Sweeps every table once, one after the other.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, step) in Sweeps)
        {
            await StepsAsync(step, cancellationToken);
        }
    }

    // Each at its own moment of the minute: one that fails, or has much to do, is in no other's way.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Sweeps.Select(sweep =>
        new Ticks(sweep.Name, clock, logger).RunOutOfStepAsync(
            Period, token => turns.OwnTurn(Period) is null ? Task.CompletedTask : StepsAsync(sweep.Step, token), stoppingToken)));

    private async Task StepsAsync(Func<DateTimeOffset, CancellationToken, Task<int>> step, CancellationToken cancellationToken)
    {
        if (await trusted.NowAsync(cancellationToken) is not { } now)
        {
            return;
        }

        var rows = RowsPerStep;
        for (var steps = 0; rows == RowsPerStep && steps < MaxSteps; steps++)
        {
            await gate.WriteAsync(async token => rows = await step(now, token), cancellationToken);
        }
    }

    private static DateTimeOffset DayOf(DateTimeOffset time) => new(time.UtcDateTime.Date, TimeSpan.Zero);
}
