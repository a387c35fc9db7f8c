using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Storage.Clients;

namespace AuthCluster.Grains.Usage;

/// <summary>
/// What one activation has counted and the flusher has not taken yet. A count belongs to the hour that the clock showed: a clock that
/// jumps puts counts into other hours, and loses none.
/// </summary>
internal sealed class ClientUsage(string clientId, UsageBook book)
{
    private const string ClientKind = "client";
    private const string SecretKind = "secret";
    private const string ScopeKind = "scope";

    private readonly Lock _lock = new();
    private readonly UsedPairs _pairs = new();

    // Counts of the present hour: a number is faster to increment than an entry of the dictionary below.
    private readonly long[] _refused = new long[Enum.GetValues<Refusal>().Length];
    private long _issued;
    private long _hour;

    private readonly Dictionary<(long Hour, string Outcome), long> _counts = [];
    private readonly Dictionary<string, long> _secrets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _scopes = new(StringComparer.Ordinal);
    private long _clientMinute;
    private long _lastUsedMinute;
    private bool _isDirty;
    private bool _isRefused;
    private bool _isRemembering;

    public string ClientId => clientId;

    /// <summary>When the client last got a token in this activation, to the minute.</summary>
    public DateTimeOffset? LastUsedAt => Volatile.Read(ref _lastUsedMinute) is > 0 and var minute ? TimeOf(minute) : null;

    /// <summary>Whether the database refuses these counts, so that they are written apart from those of other clients.</summary>
    internal bool IsRefused
    {
        set
        {
            lock (_lock)
            {
                _isRefused = value;
            }
        }
    }

    public void CountIssued(DateTimeOffset now, string secretId, string scope)
    {
        lock (_lock)
        {
            MoveToHour(now);
            _issued++;
            book.CountGranted();
            var minute = now.UtcTicks / TimeSpan.TicksPerMinute;
            if (_pairs.IsNew(minute, secretId, scope))
            {
                NoteUse(minute, secretId, scope);
                if (!_isRemembering && !_pairs.IsEmpty)
                {
                    _isRemembering = true;
                    book.MarkRemembering(this);
                }
            }

            MarkDirty();
        }
    }

    public void CountRefused(DateTimeOffset now, Refusal refusal)
    {
        lock (_lock)
        {
            MoveToHour(now);
            _refused[(int)refusal]++;
            MarkDirty();
        }
    }

    /// <summary>Drops the last uses that are not taken yet. The counts stay.</summary>
    public void ForgetUses()
    {
        lock (_lock)
        {
            _clientMinute = 0;
            _secrets.Clear();
            _scopes.Clear();
        }
    }

    /// <summary>Forgets the pairs of secret and scopes unless they are of a minute.</summary>
    /// <returns>Whether any pairs are left.</returns>
    internal bool ForgetUnlessOf(long minute)
    {
        lock (_lock)
        {
            _pairs.ForgetUnlessOf(minute);
            return _isRemembering = !_pairs.IsEmpty;
        }
    }

    internal UsageChange Take()
    {
        lock (_lock)
        {
            _isDirty = false;
            CollectHour();
            var change = new UsageChange(
                this,
                [.. _counts.Select(count => new UsageCount(
                    clientId, new DateTimeOffset(count.Key.Hour * TimeSpan.TicksPerHour, TimeSpan.Zero), count.Key.Outcome, count.Value))],
                [.. LastUses()]);
            _counts.Clear();
            _clientMinute = 0;
            _secrets.Clear();
            _scopes.Clear();
            return change;
        }
    }

    internal void Return(UsageChange change)
    {
        lock (_lock)
        {
            foreach (var count in change.Counts)
            {
                Add(count.Hour.UtcTicks / TimeSpan.TicksPerHour, count.Outcome, count.Count);
            }

            foreach (var use in change.LastUses)
            {
                var minute = use.UsedAt.UtcTicks / TimeSpan.TicksPerMinute;
                switch (use.Kind)
                {
                    case SecretKind:
                        _secrets[use.Value] = Math.Max(minute, _secrets.GetValueOrDefault(use.Value));
                        break;
                    case ScopeKind:
                        _scopes[use.Value] = Math.Max(minute, _scopes.GetValueOrDefault(use.Value));
                        break;
                    default:
                        _clientMinute = Math.Max(minute, _clientMinute);
                        break;
                }
            }

            MarkDirty();
        }
    }

    private void NoteUse(long minute, string secretId, string scope)
    {
        Volatile.Write(ref _lastUsedMinute, minute);
        _clientMinute = minute;
        _secrets[secretId] = minute;
        var scopes = _scopes.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var range in scope.AsSpan().Split(' '))
        {
            if (scope.AsSpan(range) is { IsEmpty: false } one)
            {
                scopes[one] = minute;
            }
        }
    }

    private IEnumerable<LastUse> LastUses()
    {
        if (_clientMinute > 0)
        {
            yield return new LastUse(clientId, ClientKind, "", TimeOf(_clientMinute));
        }

        foreach (var (secretId, minute) in _secrets)
        {
            yield return new LastUse(clientId, SecretKind, secretId, TimeOf(minute));
        }

        foreach (var (scope, minute) in _scopes)
        {
            yield return new LastUse(clientId, ScopeKind, scope, TimeOf(minute));
        }
    }

    private void MarkDirty()
    {
        if (!_isDirty)
        {
            _isDirty = true;
            book.MarkDirty(this, _isRefused);
        }
    }

    private void MoveToHour(DateTimeOffset now)
    {
        var hour = now.UtcTicks / TimeSpan.TicksPerHour;
        if (hour != _hour)
        {
            CollectHour();
            _hour = hour;
        }
    }

    private void CollectHour()
    {
        if (_issued > 0)
        {
            Add(_hour, HourlyUsageRecord.Issued, _issued);
            _issued = 0;
        }

        for (var i = 0; i < _refused.Length; i++)
        {
            if (_refused[i] > 0)
            {
                Add(_hour, ((Refusal)i).ToString(), _refused[i]);
                _refused[i] = 0;
            }
        }
    }

    private void Add(long hour, string outcome, long count) => _counts[(hour, outcome)] = _counts.GetValueOrDefault((hour, outcome)) + count;

    private static DateTimeOffset TimeOf(long minute) => new(minute * TimeSpan.TicksPerMinute, TimeSpan.Zero);

    public override string ToString() => $"ClientUsage({clientId})";
}
