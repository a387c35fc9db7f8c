using AuthCluster.Grains.Clients;
using AuthCluster.Storage;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Revocation;

/// <summary>
/// Deletes the revocations whose tokens have all expired: each silo, each minute, in small steps, so that the table
/// holds what may be alive and a write never waits long for the sweep.
/// </summary>
internal sealed partial class RevocationSweeper(
    RevocationStore store, StorageGate gate, TimeProvider clock, ILogger<RevocationSweeper> logger) : BackgroundService
{
    /// <summary>
    /// How long a revocation stays in force past the end of its tokens: a machine whose clock is behind takes them for
    /// alive so much longer, and an API that starts then must still be told.
    /// </summary>
    public static readonly TimeSpan KeptPastEnd = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private const int RowsAStep = 500;
    private const int MostSteps = 100;

    /// <summary>Sweeps once and returns how many rows went.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var swept = 0;
        for (var step = 0; step < MostSteps; step++)
        {
            var rows = 0;
            await gate.WriteAsync(async token => rows = await store.SweepAsync(clock.GetUtcNow() - KeptPastEnd, RowsAStep, token), cancellationToken);
            swept += rows;
            if (rows < RowsAStep)
            {
                break;
            }
        }

        return swept;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await SweepAsync(stoppingToken);
                }
                catch (Exception e) when (StorageFaults.IsFault(e)) // a statement that is refused ends no silo
                {
                    LogNotSwept(e);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    [LoggerMessage(1300, LogLevel.Warning, "Expired revocations could not be swept; the next minute tries again.")]
    private partial void LogNotSwept(Exception exception);
}
