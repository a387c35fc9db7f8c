using System.Runtime.CompilerServices;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Time;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Secrets;

/// <summary>
/// Warns of secrets that expire, 30, 7 and 1 days ahead. Each warning is given once, by the silo that is first to store it. Each silo
/// reads the next expiry for its metric; one silo, by turns, looks for warnings once an hour.
/// </summary>
/// <remarks>A silo that is killed after it stored a warning and before it logged it loses that warning; the next threshold warns again.</remarks>
internal sealed partial class ExpiryWatch(
    ExpiryStore store,
    StorageGate gate,
    SiloTurns turns,
    TrustedClock trusted,
    SecretMetrics metrics,
    TimeProvider clock,
    ILogger<ExpiryWatch> logger)
    : BackgroundService
{
    private const int PageSize = 500;

    // Each is one row and one round trip: 50 of them fit into the deadline of 5 s where one takes 100 ms.
    private const int ClaimBatch = 50;
    private const int MaxLogLines = 1_000;

    private static readonly TimeSpan MetricPeriod = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TurnPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan WarningPeriod = TimeSpan.FromHours(1);

    // The nearest first: a secret that is found a day before its end gets one warning, not three.
    private static readonly int[] DaysAhead = [1, 7, 30];

    private long? _lastTurn;

    /// <summary>Reads the next expiry for the metric.</summary>
    public Task MeasureAsync(CancellationToken cancellationToken) =>
        gate.ReadAsync(async token => metrics.SetNextExpiry(await store.SoonestAsync(clock.GetUtcNow(), token)), cancellationToken);

    /// <summary>
    /// Goes once through the secrets that expire soon and gives the warnings that are due. After a failure the next call goes on where this one
    /// stopped: warnings that were given are stored.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="storeWarnings">Whether the warnings are stored. If not, the next call gives them again.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    internal async Task WarnAsync(DateTimeOffset now, bool storeWarnings, CancellationToken cancellationToken)
    {
        var warned = 0;
        try
        {
            await foreach (var claimed in DueAsync(now, storeWarnings, cancellationToken))
            {
                foreach (var (secret, days) in claimed.Take(MaxLogLines - warned))
                {
                    LogExpiring(secret.ClientId, secret.SecretId, days, secret.ExpiresAt);
                }

                warned += claimed.Count;
            }
        }
        finally
        {
            if (warned > MaxLogLines)
            {
                LogMore(warned - MaxLogLines);
            }
        }
    }

    /// <summary>The warnings that are due, batch by batch. With <paramref name="storeWarnings"/> only those that no other silo stored before.</summary>
    private async IAsyncEnumerable<IReadOnlyList<ExpiryWarning>> DueAsync(
        DateTimeOffset now, bool storeWarnings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<EndingSecret> page = [];
        do
        {
            var after = page.Count == 0 ? null : page[^1].Secret;
            await gate.ReadAsync(async token => page = await store.EndingAsync(now, now.AddDays(DaysAhead[^1]), after, PageSize, token), cancellationToken);
            var due = page.Where(secret => secret.Secret.ClientEnabled)
                .Select(secret => (secret.WarnedDays, Warning: new ExpiryWarning(secret.Secret, DaysAhead.First(days => secret.Secret.ExpiresAt <= now.AddDays(days)))))
                .Where(secret => secret.WarnedDays is not { } days || days > secret.Warning.Days)
                .Select(secret => secret.Warning);
            foreach (var some in due.Chunk(ClaimBatch))
            {
                IReadOnlyList<ExpiryWarning> ours = some;
                if (storeWarnings)
                {
                    await gate.WriteAsync(async token => ours = await store.ClaimAsync(some, token), cancellationToken);
                }

                yield return ours;
            }
        }
        while (page.Count == PageSize);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        new Ticks("Reading when the next secret runs out", clock, logger).RunAsync(MetricPeriod, MeasureAsync, stoppingToken),
        new Ticks("Looking for secrets that run out", clock, logger).RunOutOfStepAsync(TurnPeriod, WarnInTurnAsync, stoppingToken));

    /// <summary>
    /// Searches once in an hour when the turn is this silo's, and again in the next minute when that failed. While the clock is in doubt it
    /// warns without storing, so that a wrong clock uses up no warning; such a warning may come twice.
    /// </summary>
    internal async Task WarnInTurnAsync(CancellationToken cancellationToken)
    {
        if (turns.OwnTurn(WarningPeriod) is { } turn && turn != _lastTurn)
        {
            var now = await trusted.NowAsync(cancellationToken);
            await WarnAsync(now ?? clock.GetUtcNow(), storeWarnings: now is not null, cancellationToken);
            _lastTurn = turn;
        }
    }

    [LoggerMessage(1107, LogLevel.Warning, "The secret {SecretId} of client {ClientId} runs out within {Days} days, at {ExpiresAt}.")]
    private partial void LogExpiring(string clientId, string secretId, int days, DateTimeOffset expiresAt);

    [LoggerMessage(1108, LogLevel.Warning, "{Count} more secrets run out soon; GET /admin/v1/reports/expiring has them all.")]
    private partial void LogMore(int count);
}
