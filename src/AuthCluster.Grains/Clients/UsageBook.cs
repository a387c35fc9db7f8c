using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Cluster;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// The usage counters of one silo's activations, between the grains that count and the flusher that writes.
/// Nothing here is written for a token; a kill loses what was counted since the last flush.
/// </summary>
internal sealed class UsageBook(SiloActivity activity)
{
    private readonly ConcurrentQueue<ClientUsage> _dirty = new();

    /// <summary>Opens the counters of one activation.</summary>
    public ClientUsage Open(string clientId) =>
        new(clientId, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), this);

    internal void CountGranted() => activity.Granted();

    internal void MarkDirty(ClientUsage usage) => _dirty.Enqueue(usage);

    /// <summary>Takes what changed since the last call, at most <paramref name="most"/> activations.</summary>
    public List<UsageChange> Take(int most)
    {
        var changes = new List<UsageChange>();
        while (changes.Count < most && _dirty.TryDequeue(out var usage))
        {
            changes.Add(usage.Take());
        }

        return changes;
    }

    /// <summary>Puts changes back whose flush failed.</summary>
    public static void Return(IEnumerable<UsageChange> changes)
    {
        foreach (var change in changes)
        {
            change.Source.Return(change);
        }
    }
}

/// <summary>What one activation counted and is not written yet.</summary>
/// <param name="Source">Where it came from.</param>
/// <param name="Counts">Absolute counts by hour and outcome.</param>
/// <param name="LastUsed">Minutes of last use by kind and value.</param>
internal sealed record UsageChange(
    ClientUsage Source,
    IReadOnlyDictionary<(long Hour, string Outcome), long> Counts,
    IReadOnlyDictionary<(string Kind, string Value), long> LastUsed);

/// <summary>
/// The counters of one activation. Its rows are keyed by a writer id of its own and hold absolute counts, so
/// that writing twice is writing once.
/// </summary>
internal sealed class ClientUsage(string clientId, string writer, UsageBook book)
{
    public const string Issued = "issued";
    public const string ClientKind = "client";
    public const string SecretKind = "secret";
    public const string ScopeKind = "scope";

    private const long TicksPerMinute = TimeSpan.TicksPerMinute;
    private readonly Lock _lock = new();
    private readonly long[] _refused = new long[Enum.GetValues<Refusal>().Length];
    private Dictionary<(long Hour, string Outcome), long> _pending = [];
    private Dictionary<(string Kind, string Value), long> _lastUsed = [];
    private long _hour;
    private long _issued;
    private bool _dirty;
    private (long Minute, string? SecretId, string? Scope) _lastUse;
    private long _lastUsedMinute;

    public string ClientId => clientId;

    public string Writer => writer;

    /// <summary>When the client last got a token in this activation, to the minute.</summary>
    public DateTimeOffset? LastUsedAt
    {
        get
        {
            var minute = Volatile.Read(ref _lastUsedMinute);
            return minute == 0 ? null : new DateTimeOffset(minute * TicksPerMinute, TimeSpan.Zero);
        }
    }

    public void CountIssued(DateTimeOffset now, string secretId, string scope)
    {
        lock (_lock)
        {
            Roll(now);
            _issued++;
            book.CountGranted();
            var use = (Minute: now.UtcTicks / TicksPerMinute, SecretId: secretId, Scope: scope);
            if (use != _lastUse)
            {
                _lastUse = use;
                _lastUsedMinute = use.Minute;
                _lastUsed[(ClientKind, "")] = use.Minute;
                _lastUsed[(SecretKind, secretId)] = use.Minute;
                foreach (var range in scope.AsSpan().Split(' '))
                {
                    if (scope.AsSpan(range) is { IsEmpty: false } one)
                    {
                        _lastUsed[(ScopeKind, one.ToString())] = use.Minute;
                    }
                }
            }

            Dirty();
        }
    }

    public void CountRefused(DateTimeOffset now, Refusal refusal)
    {
        lock (_lock)
        {
            Roll(now);
            _refused[(int)refusal]++;
            Dirty();
        }
    }

    /// <summary>Drops the last uses that are not written yet. What was counted stays.</summary>
    public void ForgetUses()
    {
        lock (_lock)
        {
            _lastUsed = [];
        }
    }

    internal UsageChange Take()
    {
        lock (_lock)
        {
            _dirty = false;
            CollectHour();
            var change = new UsageChange(this, _pending, _lastUsed);
            _pending = [];
            _lastUsed = [];
            return change;
        }
    }

    internal void Return(UsageChange change)
    {
        lock (_lock)
        {
            foreach (var (key, count) in change.Counts)
            {
                _pending[key] = Math.Max(count, _pending.GetValueOrDefault(key));
            }

            foreach (var (key, minute) in change.LastUsed)
            {
                _lastUsed[key] = Math.Max(minute, _lastUsed.GetValueOrDefault(key));
            }

            Dirty();
        }
    }

    private void Dirty()
    {
        if (!_dirty)
        {
            _dirty = true;
            book.MarkDirty(this);
        }
    }

    private void Roll(DateTimeOffset now)
    {
        var hour = now.UtcTicks / TimeSpan.TicksPerHour;
        if (hour == _hour)
        {
            return;
        }

        CollectHour();
        _hour = hour;
        // A clock that was set back comes to an hour for which counts may be pending: go on from there.
        _issued = _pending.GetValueOrDefault((hour, Issued));
        foreach (var refusal in Enum.GetValues<Refusal>())
        {
            _refused[(int)refusal] = _pending.GetValueOrDefault((hour, Name(refusal)));
        }
    }

    private void CollectHour()
    {
        if (_issued > 0)
        {
            _pending[(_hour, Issued)] = _issued;
        }

        for (var i = 0; i < _refused.Length; i++)
        {
            if (_refused[i] > 0)
            {
                _pending[(_hour, Name((Refusal)i))] = _refused[i];
            }
        }
    }

    private static string Name(Refusal refusal) => refusal.ToString();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"ClientUsage({ClientId})");
}
