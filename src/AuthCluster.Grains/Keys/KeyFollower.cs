using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Time;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Keys;

/// <summary>Loads the keys and the floor when storage holds newer ones than this silo. While its own are void, the silo decides nothing.</summary>
internal sealed partial class KeyFollower(
    KeyMaterialStore store, StorageGate gate, HeldKeys held, GenerationFloor floor, SiloRights rights, ILogger<KeyFollower> logger) : IKeyLoader
{
    private readonly SharedRuns<bool> _loads = new();
    private long _olderFloor;
    private long _olderVersion;
    private bool _isRead = true;
    private bool _areVoid;

    public Task FollowAsync(long version, long storedFloor)
    {
        RaiseFloor(storedFloor);
        return rights.Mandate.HasBegun && (!rights.Keys.IsCurrent || version > held.Version) ? LoadAsync() : Task.CompletedTask;
    }

    public void LoadSoon() => _ = LoadAsync();

    private Task<bool> LoadAsync() => _loads.NextAsync(LoadOnceAsync);

    /// <returns>Whether the keys may be used.</returns>
    private async Task<bool> LoadOnceAsync()
    {
        var began = rights.Now;
        TimeSpan? failedBegan = began;
        var isAnswered = false;
        try
        {
            await gate.RunAsync(
                StorageLane.Keys,
                async token =>
                {
                    if (await store.ReadAsync(token) is { } material)
                    {
                        isAnswered = true;
                        failedBegan = Install(material, began) ? null : began;
                    }
                },
                CancellationToken.None);
            _isRead = true;
        }
        catch (StorageUnavailableException)
        {
            // The gate has logged it. What is published stays published, also when storage holds keys that only a newer build can read.
        }
#pragma warning disable CA1031 // All silos read the same rows: an exception that ended the process would end every silo within a second.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (_isRead)
            {
                LogNotRead(e);
            }

            _isRead = false;
        }

        NoteVoid(isAnswered);
        rights.Look(failedBegan);
        return failedBegan is null;
    }

    /// <summary>Logs once that the keys were changed elsewhere and can't be read, which keeps the silo from deciding, and once that they were.</summary>
    private void NoteVoid(bool isAnswered)
    {
        if (!isAnswered && !_areVoid && !rights.Keys.IsCurrent && rights.Keys.Version > 0)
        {
            _areVoid = true;
            LogVoid();
        }
        else if (_areVoid && rights.Keys.IsCurrent)
        {
            _areVoid = false;
            LogReadAgain();
        }
    }

    /// <summary>Takes what was read. The keys may be used only after all of it has been taken.</summary>
    /// <returns>False when a later change of the keys was answered already: they are read again.</returns>
    private bool Install(KeyMaterial material, TimeSpan began)
    {
        if (material.RingVersion < held.Version)
        {
            if (_olderVersion != material.RingVersion)
            {
                _olderVersion = material.RingVersion;
                LogOlderKeys(material.RingVersion, held.Version);
            }

            return false;
        }

        held.Replace(material);
        RaiseFloor(material.Floor);
        return rights.Keys.TryInstall(material.RingVersion, began, rights.Now);
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

    [LoggerMessage(1215, LogLevel.Critical, "The database holds version {Stored} of the keys, older than {Held} that this silo knows: it went back in time. Stop all processes and run 'db restored'.")]
    private partial void LogOlderKeys(long stored, long held);

    [LoggerMessage(1216, LogLevel.Error, "The keys or the generation floor were changed, and this silo can't read them; it decides nothing until it has.")]
    private partial void LogVoid();

    [LoggerMessage(1217, LogLevel.Information, "This silo has read the changed keys and the floor.")]
    private partial void LogReadAgain();

    [LoggerMessage(1213, LogLevel.Error, "The keys in storage could not be loaded; the present ones stay in use unless a change has made them void.")]
    private partial void LogNotRead(Exception exception);
}
