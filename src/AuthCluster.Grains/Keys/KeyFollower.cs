using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Keys;

/// <summary>
/// Reads each second whether the keys or the floor have changed in storage, and takes them over: no silo learns
/// them from another one, so none is a single point.
/// </summary>
/// <remarks>
/// It reads one row of two numbers, and the keys only when their version moved. Before each reading it is the silo's probe: it tells the
/// <see cref="StorageGate"/> that storage fails, before a caller has to find out, and that it is back. It runs from before the silo
/// begins until after it has stopped, on every database.
/// </remarks>
internal sealed partial class KeyFollower(
    KeyMaterialStore store, StorageProbe probe, StorageGate gate, HeldKeys held, GenerationFloor floor, TimeProvider clock, ILogger<KeyFollower> logger)
    : BackgroundService, ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PeriodWhileFailing = TimeSpan.FromMilliseconds(250);

    private long _olderFloor;
    private bool _isRead = true;

    /// <summary>
    /// Reads once more when the silo has become active: whoever raised the floor before asked only the silos
    /// that were active then.
    /// </summary>
    public void Participate(ISiloLifecycle observer) =>
        observer.Subscribe(nameof(KeyFollower), ServiceLifecycleStage.Active, RefreshAsync);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await RefreshAsync(stoppingToken);
                await Task.Delay(gate.IsFailing ? PeriodWhileFailing : Period, clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await gate.ProbeAsync(probe.AnswerAsync, cancellationToken))
            {
                await gate.RunAsync(StorageLane.Keys, ReadAsync, cancellationToken);
                _isRead = true;
            }
        }
        catch (StorageUnavailableException)
        {
            // The gate has noted it; what is held goes on being used, also when storage holds keys that only a newer build knows.
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // All silos read the same row: what one can't take would end every one of them within a second.
            if (_isRead)
            {
                LogNotRead(e);
            }

            _isRead = false;
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        if (await store.ReadVersionAsync(cancellationToken) is not { } stored)
        {
            return;
        }

        RaiseFloor(stored.Floor);
        if (stored.Version != held.Version && await store.ReadAsync(cancellationToken) is { } material)
        {
            held.Replace(material);
            RaiseFloor(material.Floor);
        }
    }

    private void RaiseFloor(long stored)
    {
        if (!floor.TryRaise(stored) && _olderFloor != stored)
        {
            _olderFloor = stored;
            LogOlderFloor(stored, floor.Value);
        }
    }

    [LoggerMessage(1210, LogLevel.Critical, "The database holds the generation floor {Stored}, older than {Held} that this silo knows: it went back in time. Stop all processes and run 'db restored'.")]
    private partial void LogOlderFloor(long stored, long held);

    [LoggerMessage(1213, LogLevel.Error, "The keys in storage could not be taken over; those held go on being used.")]
    private partial void LogNotRead(Exception exception);
}
