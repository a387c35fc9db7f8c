using System.Net.Sockets;
using AuthCluster.Fence;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Fencing;

/// <summary>
/// What a silo does after each reading of the membership: it loads changed keys, states its outage grace, proves that dead silos have ended, and
/// keeps Orleans' view up to date. After a failed one it looks whether storage is away, and asks the other silos whether it may go on spending from
/// rate limits.
/// </summary>
internal sealed partial class FenceDuties(
    FenceStore store,
    SiloRights rights,
    PingSilo pingSilo,
    IKeyLoader keys,
    OrleansView orleans,
    StorageGate gate,
    StorageProbe probe,
    FenceSettings settings,
    ILocalSiloDetails self,
    TimeProvider clock,
    ILogger<FenceDuties> logger)
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private EndProofs? _proofs;
    private Task _running = Task.CompletedTask;
    private Task _pinging = Task.CompletedTask;
    private Task _refreshing = Task.CompletedTask;
    private Task? _ending;

    /// <summary>Starts what a reading calls for, unless an earlier round is still under way.</summary>
    /// <param name="reading">The reading.</param>
    /// <param name="readAgain">Makes the silo read again at once.</param>
    /// <returns>The round that is under way then, and Orleans' reading.</returns>
    public Task After(MembershipReading reading, Action readAgain)
    {
        gate.Answered();
        var round = Start(ref _running, async () =>
        {
            await keys.FollowAsync(reading.KeysVersion, reading.Floor);
            if (settings.IsShared)
            {
                await StateGraceAsync(reading, readAgain);
                await ProveEndsAsync(reading);
            }
        });
        // Before the silo has found itself active, Orleans reads as it needs to.
        return settings.IsShared && (rights.Mandate.HasBegun || rights.Mandate.HasDied)
            ? Task.WhenAll(round, Start(ref _refreshing, () => orleans.FollowAsync(reading)))
            : round;
    }

    /// <summary>Starts what a failed reading calls for, unless an earlier round is still under way.</summary>
    /// <returns>The round and the pings that are under way then.</returns>
    public Task AfterFailure()
    {
        var round = Start(ref _running, () => gate.ProbeAsync(probe.AnswerAsync, CancellationToken.None));
        // Apart from the round, which waits for storage: the right to spend lasts no longer than a term.
        return Task.WhenAll(round, Start(ref _pinging, () => Task.WhenAll(rights.Mandate.Peers.Select(PingAsync))));
    }

    /// <summary>Tells the others that this silo has ended, when its last lease has run out. It decides nothing any more.</summary>
    public Task EndAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _ending ??= settings.IsShared ? TellEndAsync(cancellationToken) : Task.CompletedTask;
        }
    }

    private async Task TellEndAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(rights.Fence.LongestLease(rights.Now), clock, cancellationToken);
            var address = self.SiloAddress;
            await store.MarkOwnEndedAsync(address.Endpoint.Address.ToString(), address.Endpoint.Port, address.Generation, cancellationToken)
                .WaitAsync(EndTimeout, clock, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException || StorageFaults.IsFault(e))
        {
            LogEndNotStored(e.GetType().Name);
        }
    }

    /// <summary>Starts a piece of work, unless an earlier one of its kind is still under way.</summary>
    /// <returns>The one that is under way then.</returns>
    private Task Start(ref Task running, Func<Task> work)
    {
        lock (_lock)
        {
            if (running.IsCompleted)
            {
                running = Task.Run(() => RunAsync(work));
            }

            return running;
        }
    }

    private async Task RunAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException || StorageFaults.IsFault(e))
        {
            // The next reading calls for the same again; the gate has logged it, or the keeper will.
        }
#pragma warning disable CA1031 // A defect here must not end the silo's right to decide.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogRoundFailed(e);
        }
    }

    /// <summary>Writes this silo's outage grace into its row, before it decides anything: others wait for the longest grace.</summary>
    private async Task StateGraceAsync(MembershipReading reading, Action readAgain)
    {
        if (reading.Rows.TryGetValue(rights.Mandate.Self, out var row) && row.OutageGrace is null)
        {
            try
            {
                await store.StateGraceAsync(row.Address, row.Port, row.Generation, settings.OutageGrace);
            }
            catch (Exception e) when (StorageFaults.IsFault(e))
            {
                LogGraceNotStated(e.GetType().Name);
                throw;
            }

            readAgain();
        }
    }

    private async Task ProveEndsAsync(MembershipReading reading)
    {
        if (reading.HasUnstampedDeath)
        {
            await store.StampDeathsAsync();
        }

        if (rights.Mandate.HasDied)
        {
            await EndAsync(CancellationToken.None);
            return;
        }

        if (!rights.Mandate.HasBegun)
        {
            return;
        }

        // An active silo has bound its port, so whoever had it before is gone.
        var proofs = _proofs ??= new EndProofs(rights.Mandate.Self, self.SiloAddress.Endpoint.ToString(), rights.Now, rights.Times);
        await Task.WhenAll(proofs.ToProbe(reading.View, rights.Now).Select(silo => ProbeAsync(proofs, silo)));
        foreach (var silo in proofs.Proven(reading.View, rights.Now))
        {
            var row = reading.Rows[silo.Silo];
            if (await store.MarkEndedAsync(row.Address, row.Port, row.Generation))
            {
                LogProven(silo.Silo);
            }
        }
    }

    /// <summary>Tries the port of a dead silo. A host that refuses the connection has no process there.</summary>
    private async Task ProbeAsync(EndProofs proofs, SiloEntry silo)
    {
        if (!SiloNames.TryParse(silo.Silo, out var address))
        {
            return;
        }

        using var socket = new Socket(address.Endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var timeout = new CancellationTokenSource(ProbeTimeout, clock);
        try
        {
            await socket.ConnectAsync(address.Endpoint, timeout.Token);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            proofs.Refused(silo.Silo, rights.Now);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Silence proves nothing.
        }
    }

    private async Task PingAsync(string peer)
    {
        var askedAt = rights.Now;
        if (await pingSilo(peer, rights.Mandate.Self))
        {
            rights.Mandate.PeerAnswered(askedAt);
        }
    }

    [LoggerMessage(1222, LogLevel.Information, "Dead silo {Silo} has ended for certain: its port is closed, or another silo has taken its place.")]
    private partial void LogProven(string silo);

    [LoggerMessage(1223, LogLevel.Warning, "The end of this silo could not be stored ({Reason}). Until others prove it, writes may be answered 202.")]
    private partial void LogEndNotStored(string reason);

    [LoggerMessage(1225, LogLevel.Warning, "This silo could not state its outage grace in the membership ({Reason}); it decides nothing before it has.")]
    private partial void LogGraceNotStated(string reason);

    [LoggerMessage(1224, LogLevel.Error, "A round of the fence's duties failed; it runs again after the next reading.")]
    private partial void LogRoundFailed(Exception exception);
}
