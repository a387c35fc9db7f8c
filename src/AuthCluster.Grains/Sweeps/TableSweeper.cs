using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Time;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Sweeps;

/// <summary>
/// Deletes expired rows and adds old hours of usage up to days. One silo does it each minute, by turns, in small steps: so no write waits
/// long for a sweep, and tables that grew in an outage shrink over some minutes. While the clock is in doubt nothing is deleted.
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
    /// How long a revocation is kept after its tokens have expired: an API whose clock is behind takes them for valid for as long, and must still
    /// learn of the revocation when it starts then.
    /// </summary>
    public static readonly TimeSpan RevocationsKeptAfterEnd = TimeSpan.FromMinutes(5);

    private const int MaxRowsPerStep = 500;
    private const int MaxSteps = 100;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    // A process of an older build writes its counts within seconds or, after an outage, when the database is back.
    private static readonly TimeSpan OlderBuildMargin = TimeSpan.FromDays(2);

    // A silo that wrote nothing for so long has ended: a running one repeats a failed flush within seconds.
    private static readonly TimeSpan WriterRetention = TimeSpan.FromDays(30);

    /// <summary>The sweeps; the log names them so.</summary>
    private IReadOnlyList<(string Name, Func<DateTimeOffset, CancellationToken, Task<int>> Step)> Sweeps =>
    [
        ("Deleting revocations whose tokens have expired", (now, token) => revocations.SweepAsync(now - RevocationsKeptAfterEnd, MaxRowsPerStep, token)),
        ("Deleting idempotency keys that have expired", (now, token) => idempotency.SweepAsync(now, MaxRowsPerStep, token)),
        ("Deleting warnings of secrets that have ended", (now, token) => expiry.SweepAsync(now, MaxRowsPerStep, token)),
        ("Merging the usage that older builds counted", (now, token) => usage.MergeHoursOfOlderBuildsAsync(now - OlderBuildMargin, MaxRowsPerStep, token)),
        ("Rolling hours of usage up to days", (now, token) => usage.MoveHoursToDaysAsync(DayOf(now - retention.Hours), MaxRowsPerStep, token)),
        ("Deleting old days of usage", (now, token) => usage.SweepDaysAsync(DayOf(now - retention.Days), MaxRowsPerStep, token)),
        ("Forgetting who wrote usage", (now, token) => usage.SweepWritersAsync(now - WriterRetention, MaxRowsPerStep, token)),
    ];

    /// <summary>Sweeps every table once, one after the other.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, step) in Sweeps)
        {
            await StepsAsync(step, cancellationToken);
        }
    }

    // Each runs at its own moment of the minute, so that a sweep that fails or takes long holds up no other.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Sweeps.Select(sweep =>
        new Ticks(sweep.Name, clock, logger).RunOutOfStepAsync(
            Period, token => turns.OwnTurn(Period) is null ? Task.CompletedTask : StepsAsync(sweep.Step, token), stoppingToken)));

    private async Task StepsAsync(Func<DateTimeOffset, CancellationToken, Task<int>> step, CancellationToken cancellationToken)
    {
        if (await trusted.NowAsync(cancellationToken) is not { } now)
        {
            return;
        }

        var rows = MaxRowsPerStep;
        for (var steps = 0; rows == MaxRowsPerStep && steps < MaxSteps; steps++)
        {
            await gate.WriteAsync(async token => rows = await step(now, token), cancellationToken);
        }
    }

    private static DateTimeOffset DayOf(DateTimeOffset time) => new(time.UtcDateTime.Date, TimeSpan.Zero);
}
