namespace AuthCluster.Fence;

/// <summary>
/// What one silo must not use any more: it marks the copies in its memory that an answered write elsewhere has replaced, keeps loads under way
/// from bringing older state back, and remembers how long its leases last.
/// </summary>
/// <param name="mandate">The silo's right to decide.</param>
/// <param name="times">The durations.</param>
public sealed class SiloFence(Mandate mandate, FenceTimes times)
{
    private const int FloorsBeforeSweep = 1_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, FencedCopy> _copies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Version, TimeSpan At)> _floors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _leaseEnds = new(StringComparer.Ordinal);
    private int _sweepAt = FloorsBeforeSweep;

    /// <summary>The silo's right to decide.</summary>
    public Mandate Mandate => mandate;

    /// <summary>Makes a copy of a state, which holds nothing yet, and adds it.</summary>
    public FencedCopy Open(string key)
    {
        var copy = Make(key);
        Add(copy);
        return copy;
    }

    /// <summary>Makes a copy of a state, which holds nothing yet. It must be added before anything is installed.</summary>
    public FencedCopy Make(string key) => new(this, key);

    /// <summary>Adds a copy: from now on it is marked when it is made void.</summary>
    public void Add(FencedCopy copy)
    {
        ArgumentNullException.ThrowIfNull(copy);
        lock (_lock)
        {
            copy.Next = _copies.GetValueOrDefault(copy.Key);
            _copies[copy.Key] = copy;
        }
    }

    /// <summary>Forgets a copy, which is not used any more.</summary>
    public void Close(FencedCopy copy)
    {
        ArgumentNullException.ThrowIfNull(copy);
        lock (_lock)
        {
            copy.IsCurrent = false;
            var first = _copies.GetValueOrDefault(copy.Key);
            if (first == copy)
            {
                if (copy.Next is { } next)
                {
                    _copies[copy.Key] = next;
                }
                else
                {
                    _copies.Remove(copy.Key);
                }

                return;
            }

            for (var before = first; before is not null; before = before.Next)
            {
                if (before.Next == copy)
                {
                    before.Next = copy.Next;
                    return;
                }
            }
        }
    }

    /// <summary>
    /// Makes this silo use nothing older than a version. In one step: the copies are marked, loads that bring something older are refused from
    /// now on, and then the longest lease that was granted is computed.
    /// </summary>
    /// <returns>How long leases of the older state may last yet; zero for none.</returns>
    public TimeSpan Void(string key, long version, TimeSpan now)
    {
        lock (_lock)
        {
            for (var copy = _copies.GetValueOrDefault(key); copy is not null; copy = copy.Next)
            {
                if (copy.Version < version)
                {
                    copy.IsCurrent = false;
                }
            }

            if (version >= FloorOf(key, now))
            {
                _floors[key] = (version, now);
                SweepIfMany(now);
            }

            return LeaseLeft(_leaseEnds.GetValueOrDefault(key, FenceTimes.Never), now);
        }
    }

    /// <summary>Grants a lease of a copy: whoever borrows it uses it without asking again.</summary>
    /// <param name="copy">The copy that is lent.</param>
    /// <param name="wanted">How long it is wanted.</param>
    /// <param name="now">The time.</param>
    /// <returns>How long it lasts, counted by the borrower from before it asked; zero when nothing may be lent.</returns>
    public TimeSpan Grant(FencedCopy copy, TimeSpan wanted, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(copy);
        lock (_lock)
        {
            if (!copy.MayDecide(now))
            {
                return TimeSpan.Zero;
            }

            var left = mandate.End - now;
            var granted = wanted < times.LeaseTerm ? wanted : times.LeaseTerm;
            granted = granted < left ? granted : left;
            var end = now + times.Stretched(granted);
            if (end > _leaseEnds.GetValueOrDefault(copy.Key, FenceTimes.Never))
            {
                _leaseEnds[copy.Key] = end;
                SweepIfMany(now);
            }

            return granted;
        }
    }

    /// <summary>How long any lease of this silo may last yet.</summary>
    public TimeSpan LongestLease(TimeSpan now)
    {
        lock (_lock)
        {
            return _leaseEnds.Count == 0 ? TimeSpan.Zero : LeaseLeft(_leaseEnds.Values.Max(), now);
        }
    }

    internal bool IsTooLate(TimeSpan began, TimeSpan now) => now - began >= times.LoadDeadline;

    internal bool TryInstall(FencedCopy copy, long version, TimeSpan began, TimeSpan now)
    {
        lock (_lock)
        {
            if (IsTooLate(began, now) || version < FloorOf(copy.Key, now) || version < copy.Version)
            {
                copy.IsCurrent = false;
                return false;
            }

            copy.Version = version;
            copy.IsCurrent = true;
            return true;
        }
    }

    private static TimeSpan LeaseLeft(TimeSpan end, TimeSpan now) => end > now ? end - now : TimeSpan.Zero;

    private long FloorOf(string key, TimeSpan now) =>
        _floors.TryGetValue(key, out var floor) && now - floor.At <= times.FloorKept ? floor.Version : 0;

    /// <summary>Drops floors and leases that are over, each time that twice as many have gathered as were left at the last time.</summary>
    private void SweepIfMany(TimeSpan now)
    {
        if (_floors.Count + _leaseEnds.Count < _sweepAt)
        {
            return;
        }

        foreach (var key in _floors.Where(floor => now - floor.Value.At > times.FloorKept).Select(floor => floor.Key).ToList())
        {
            _floors.Remove(key);
        }

        foreach (var key in _leaseEnds.Where(lease => lease.Value <= now).Select(lease => lease.Key).ToList())
        {
            _leaseEnds.Remove(key);
        }

        _sweepAt = Math.Max(FloorsBeforeSweep, 2 * (_floors.Count + _leaseEnds.Count));
    }
}
