using System.Collections.Immutable;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Grains.Time;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Fencing;

/// <summary>
/// Answered writes that some living silos have not acknowledged yet. They are sent on until each silo has acknowledged, or is no longer active.
/// </summary>
internal sealed partial class PendingVoids(
    SiloRights rights, VoidOnSilo voidOnSilo, FenceMetrics metrics, TimeProvider clock, ILogger<PendingVoids> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<string, long>> _bySilo = new(StringComparer.Ordinal);
    private readonly HashSet<string> _dead = new(StringComparer.Ordinal);

    /// <summary>How many writes each silo has not acknowledged.</summary>
    public ImmutableArray<UnconfirmedRecord> Counts
    {
        get
        {
            lock (_lock)
            {
                return [.. _bySilo.Select(silo => new UnconfirmedRecord(silo.Key, silo.Value.Count))];
            }
        }
    }

    /// <summary>Adds a write that was answered before some silos had acknowledged it.</summary>
    public void Add(string key, long version, IEnumerable<string> unconfirmed)
    {
        lock (_lock)
        {
            foreach (var silo in unconfirmed)
            {
                if (!_bySilo.TryGetValue(silo, out var versions))
                {
                    _bySilo[silo] = versions = new Dictionary<string, long>(StringComparer.Ordinal);
                    LogKeepsUnconfirmed(silo);
                }

                versions[key] = Math.Max(version, versions.GetValueOrDefault(key));
            }

            metrics.Unconfirmed = _bySilo.Count;
        }
    }

    /// <summary>Logs once that a dead silo keeps writes unconfirmed. It is not asked: its time runs out.</summary>
    public void NoteDead(string silo, TimeSpan left)
    {
        lock (_lock)
        {
            if (_dead.Add(silo))
            {
                LogDeadKeepsUnconfirmed(silo, left);
            }
        }
    }

    /// <summary>Sends on what is not acknowledged, to all silos at once: one that hangs does not keep the others waiting.</summary>
    public Task SendAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _dead.RemoveWhere(silo => rights.Mandate.Latest?.IsDead(silo) != true);
        }

        return Task.WhenAll(Counts.Select(count => SendAsync(count.Silo, cancellationToken)));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Ticks("Sending on writes that silos have not acknowledged", clock, logger).RunAsync(Period, SendAsync, stoppingToken);

    /// <summary>Sends the writes of one silo, one after the other, until one is not acknowledged.</summary>
    private async Task SendAsync(string silo, CancellationToken cancellationToken)
    {
        if (rights.Mandate.Latest?.IsActive(silo) != true)
        {
            Forget(silo);
            LogNoLongerAsked(silo);
            return;
        }

        foreach (var (key, version) in VersionsOf(silo))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await voidOnSilo(silo, key, version) is null)
            {
                return;
            }

            Acknowledged(silo, key, version);
        }
    }

    private ImmutableArray<KeyValuePair<string, long>> VersionsOf(string silo)
    {
        lock (_lock)
        {
            return [.. _bySilo.GetValueOrDefault(silo) ?? []];
        }
    }

    private void Acknowledged(string silo, string key, long version)
    {
        lock (_lock)
        {
            if (_bySilo.TryGetValue(silo, out var versions) && versions.GetValueOrDefault(key) == version)
            {
                versions.Remove(key);
                if (versions.Count == 0)
                {
                    Forget(silo);
                    LogAcknowledged(silo);
                }
            }
        }
    }

    private void Forget(string silo)
    {
        lock (_lock)
        {
            _bySilo.Remove(silo);
            metrics.Unconfirmed = _bySilo.Count;
        }
    }

    [LoggerMessage(1230, LogLevel.Warning, "Silo {Silo} is alive and has not acknowledged a stored write; it may decide by the older state until it does. GET /admin/v1/cluster shows it.")]
    private partial void LogKeepsUnconfirmed(string silo);

    [LoggerMessage(1233, LogLevel.Warning, "Nothing proves that dead silo {Silo} has ended: for {Left} at most it may decide by older states, and changes are answered 202. If you know that its process has ended, say so: POST /admin/v1/cluster/silos/{Silo}/ended.")]
    private partial void LogDeadKeepsUnconfirmed(string silo, TimeSpan left);

    [LoggerMessage(1231, LogLevel.Information, "Silo {Silo} has acknowledged all writes.")]
    private partial void LogAcknowledged(string silo);

    [LoggerMessage(1232, LogLevel.Information, "Silo {Silo} is no longer alive; it is not asked again to acknowledge writes.")]
    private partial void LogNoLongerAsked(string silo);
}
