using System.Security.Cryptography;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using AuthCluster.Web.Keys;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Cluster;

/// <summary>Keeps the <see cref="KeyLease"/> of a front end without a silo: asks the silos for the keys again and again.</summary>
public sealed partial class KeyBorrower(IGrainFactory grains, KeyLease lease, Readiness readiness, TimeProvider clock, ILogger<KeyBorrower> logger)
{
    // A lease lasts a second at most. So after one attempt that fails, a second one still comes before its end.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(0.4);
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(0.05);

    private static readonly TimeSpan UnlinkedAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private long _answeredAt;
    private long? _loggedAt;

    /// <summary>Asks until the process stops.</summary>
    /// <exception cref="CryptographicException">The keys of the silos can't be unwrapped: this process has another key-encryption key.</exception>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        _answeredAt = clock.GetTimestamp();
        try
        {
            while (true)
            {
                var asked = clock.GetTimestamp();
                var isLent = await AskAsync(asked, stoppingToken);
                Report();
                var pause = isLent && lease.HoldsFor(Period) ? Period - clock.GetElapsedTime(asked) : AskAgainAfter;
                await Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    /// <summary>
    /// Asks once, and does not wait long, since each call may go to another silo. An answer that comes later is taken all the same: a process with no
    /// processor to spare may get no other.
    /// </summary>
    private async Task<bool> AskAsync(long asked, CancellationToken cancellationToken)
    {
        var call = AskAndRenewAsync(asked, cancellationToken);
        try
        {
            return await call.WaitAsync(MaxAnswerTime, clock, cancellationToken);
        }
        catch (TimeoutException e)
        {
            LogIfWithoutKeys(e, cancellationToken);
            return false;
        }
    }

    private async Task<bool> AskAndRenewAsync(long asked, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await grains.GetGrain<IKeyLeaseGrain>(IKeyLeaseGrain.Key).LendAsync(CancellationToken.None);
            lock (_lock)
            {
                _answeredAt = clock.GetTimestamp();
                lease.Renew(answer, asked);
            }

            return answer.Snapshot is not null;
        }
        catch (Exception e) when (e is not CryptographicException && !cancellationToken.IsCancellationRequested)
        {
            LogIfWithoutKeys(e, cancellationToken);
            return false;
        }
    }

    private void Report()
    {
        if (lease.Holds)
        {
            readiness.Started();
        }

        readiness.Linked(clock.GetElapsedTime(Volatile.Read(ref _answeredAt)) < UnlinkedAfter);
        readiness.Deciding(lease.Holds);
    }

    /// <summary>An attempt that fails is no news while the lease lasts.</summary>
    private void LogIfWithoutKeys(Exception failure, CancellationToken cancellationToken)
    {
        if (lease.Holds || (_loggedAt is { } last && clock.GetElapsedTime(last) < LogInterval))
        {
            return;
        }

        _loggedAt = clock.GetTimestamp();
        LogNoSilo(CallFailures.IsOnTheWay(failure, cancellationToken) ? null : failure, failure.GetType().Name);
    }

    [LoggerMessage(1201, LogLevel.Warning, "No silo gave the signing keys ({Reason}); asking again.")]
    private partial void LogNoSilo(Exception? exception, string reason);
}
