using AuthCluster.Fence;
using AuthCluster.Grains.Time;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Fencing;

/// <summary>Reads the membership: see <see cref="FenceStore.ReadAsync"/>.</summary>
internal delegate Task<FenceReading?> ReadMembership(CancellationToken cancellationToken);

/// <summary>
/// Readings of the membership that began after they were asked for. Those who ask while one is under way share the next one, so that a burst of
/// writes reads once or twice.
/// </summary>
internal sealed partial class FreshReadings(
    ReadMembership read, SiloRights rights, FenceSettings settings, IClusterMembershipService members, TimeProvider clock, ILogger<FreshReadings> logger)
{
    // Longer than that of the silo's own regular reading: what is at stake is one answer, not the silo's right to decide.
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly SharedRuns<MembershipReading?> _readings = new();

    /// <summary>The newest reading with its rows; null before the first, and in a process that shares no membership.</summary>
    public MembershipReading? Latest { get; private set; }

    /// <summary>The newest view of the membership; null before the first reading.</summary>
    public Membership? Newest => settings.IsShared ? rights.Mandate.Latest : Local(rights.Now);

    /// <summary>Reads.</summary>
    /// <returns>The membership; null when the database did not answer in time.</returns>
    public async Task<Membership?> ReadAsync() =>
        settings.IsShared ? (await ReadRowsAsync())?.View : Local(rights.Now);

    /// <summary>Reads the rows too.</summary>
    /// <returns>The reading; null when the database did not answer in time.</returns>
    public Task<MembershipReading?> ReadRowsAsync() => _readings.NextAsync(ReadOnceAsync);

    /// <summary>Takes a reading, also one that was made elsewhere.</summary>
    public void Take(MembershipReading reading)
    {
        if (!settings.IsShared)
        {
            rights.Mandate.ReadReturned(Local(reading.View.Began));
            return;
        }

        lock (_lock)
        {
            if (Latest is null || reading.View.Began >= Latest.View.Began)
            {
                Latest = reading;
            }
        }

        rights.Mandate.ReadReturned(reading.View);
    }

    /// <summary>What the silos of this process know of each other.</summary>
    private Membership Local(TimeSpan now) => MembershipReading.Of(members.CurrentSnapshot, now);

    private async Task<MembershipReading?> ReadOnceAsync()
    {
        var began = rights.Now;
        try
        {
            using var timeout = new CancellationTokenSource(ReadTimeout, clock);
            if (await read(timeout.Token).WaitAsync(ReadTimeout, clock) is { } rows)
            {
                var reading = MembershipReading.Of(rows, began, rights.Now, rights.Mandate.Self, settings.OutageGrace);
                Take(reading);
                return reading;
            }
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException || StorageFaults.IsFault(e))
        {
            // The caller reads again, within its own deadline.
        }
#pragma warning disable CA1031 // An unexpected failure, too, must not keep later writes from being answered.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogNotRead(e);
        }

        rights.Mandate.ReadFailed(began);
        return null;
    }

    [LoggerMessage(1226, LogLevel.Error, "A reading of the membership failed in this process; it is made again.")]
    private partial void LogNotRead(Exception exception);
}
