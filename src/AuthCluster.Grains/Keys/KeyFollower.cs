using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Keys;

/// <summary>
/// Reads each second whether the keys or the floor changed in storage, and loads the change. Silos don't learn keys from
/// each other, so no silo is a single point of failure.
/// </summary>
/// <remarks>
/// Each round reads one row of two numbers, and the keys only when their version changed. Before that it probes storage, so that the
/// <see cref="StorageGate"/> knows of an outage, and of its end, before a caller has to find out. The follower runs from before the silo
/// starts until after the silo has stopped, on every database.
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
    /// Reads once more when the silo has become active: a floor that was raised just before was told only to the silos
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
            // The gate has logged it. The present keys stay in use, also when storage holds keys that only a newer build can read.
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // All silos read the same row: an exception that ended the process would end every silo within a second.
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

    [LoggerMessage(1213, LogLevel.Error, "The keys in storage could not be loaded; the present ones stay in use.")]
    private partial void LogNotRead(Exception exception);
}
