using System.Collections.Immutable;

namespace AuthCluster.Fence;

/// <summary>
/// The right of one silo to decide. Each good reading of the membership gives it for a term; while readings fail, the silo goes on until the
/// outage grace is over. A silo that was stopped for longer than the term must read before it decides again.
/// </summary>
/// <remarks>
/// The right ends at <c>max(good + term, min(failed + term, good + grace))</c>, where <c>good</c> and <c>failed</c> are the moments at which the last
/// reading of that kind began. A reading is good when the silo found itself active. A silo that reads its own death stops for ever.
/// </remarks>
/// <param name="self">The silo.</param>
/// <param name="times">The durations.</param>
public sealed class Mandate(string self, FenceTimes times)
{
    private readonly Lock _lock = new();
    private TimeSpan _goodBegan = FenceTimes.Never;
    private TimeSpan _failedBegan = FenceTimes.Never;
    private TimeSpan _peerAskedAt = FenceTimes.Never;
    private long _end = FenceTimes.Never.Ticks;
    private long _spendEnd = FenceTimes.Never.Ticks;
    private bool _isAlone;
    private bool _isOver;

    /// <summary>The silo.</summary>
    public string Self => self;

    /// <summary>The newest reading; null before the first.</summary>
    public Membership? Latest { get; private set; }

    /// <summary>The last reading in which the silo found itself active; null before the first. State is loaded only after it.</summary>
    public Membership? LastGood { get; private set; }

    /// <summary>The last time for which the silo had no right, and a reading gave the right back; null for none.</summary>
    public Lapse? LastLapse { get; private set; }

    /// <summary>Whether the silo has read its own death.</summary>
    public bool HasDied { get; private set; }

    /// <summary>When the right ends.</summary>
    public TimeSpan End => TimeSpan.FromTicks(Volatile.Read(ref _end));

    /// <summary>Whether the silo may load the state of clients: it has found itself active, and goes on working.</summary>
    public bool HasBegun => LastGood is not null && !_isOver;

    /// <summary>Whether the silo may decide, install state and grant leases.</summary>
    public bool MayDecide(TimeSpan now) => now.Ticks < Volatile.Read(ref _end);

    /// <summary>
    /// When the right to spend from rate limits ends. Without a good reading within the term a silo goes on only while one of the silos that it
    /// last saw answers it.
    /// </summary>
    public TimeSpan SpendEnd => TimeSpan.FromTicks(Volatile.Read(ref _spendEnd));

    /// <summary>Whether the silo may spend from a rate limit. Two silos must not spend from the same one for longer than a term.</summary>
    public bool MaySpend(TimeSpan now) => now.Ticks < Volatile.Read(ref _spendEnd);

    /// <summary>The other silos that were active at the last good reading: those to ask when a reading has failed.</summary>
    public ImmutableArray<string> Peers => LastGood is { } good ? [.. good.Active.Where(silo => silo != self)] : [];

    /// <summary>Takes a reading.</summary>
    public void ReadReturned(Membership view)
    {
        ArgumentNullException.ThrowIfNull(view);
        lock (_lock)
        {
            var (hadBegun, end) = (HasBegun, End);
            if (Latest is null || view.Began >= Latest.Began)
            {
                Latest = view;
            }

            // A row that was there and has gone was cleared, or its silo was vouched for as ended.
            if (view.IsDead(self) || (LastGood is { } known && view.Find(self) is null && view.Began > known.Began))
            {
                HasDied = true;
                _isOver = true;
            }
            else if (view.IsActive(self) && view.Began > _goodBegan)
            {
                _goodBegan = view.Began;
                LastGood = view;
                _isAlone = Peers.IsEmpty;
            }

            Update();
            if (hadBegun && view.Returned >= end && MayDecide(view.Returned))
            {
                LastLapse = new Lapse(end, view.Returned);
            }
        }
    }

    /// <summary>Takes a reading that failed, or was not answered in time.</summary>
    /// <param name="began">When it began.</param>
    public void ReadFailed(TimeSpan began)
    {
        lock (_lock)
        {
            _failedBegan = Max(_failedBegan, began);
            Update();
        }
    }

    /// <summary>Takes the answer of another silo that may decide itself and has not read this one's death.</summary>
    /// <param name="askedAt">When it was asked.</param>
    public void PeerAnswered(TimeSpan askedAt)
    {
        lock (_lock)
        {
            _peerAskedAt = Max(_peerAskedAt, askedAt);
            Update();
        }
    }

    /// <summary>Whether the silo has found itself active within the last term: it reaches the database.</summary>
    public bool HasReadLately(TimeSpan now) => LastGood is { } good && now - good.Began < times.Term;

    /// <summary>Whether to answer another silo that asks since it can't read the membership.</summary>
    public bool Answers(string asker, TimeSpan now) => MayDecide(now) && Latest?.IsDead(asker) != true;

    /// <summary>Ends the right for ever: the silo stops in order.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isOver = true;
            Update();
        }
    }

    private void Update()
    {
        var end = FenceTimes.Never;
        var spendEnd = FenceTimes.Never;
        if (LastGood is not null && !_isOver)
        {
            end = Max(_goodBegan + times.Term, Min(_failedBegan + times.Term, _goodBegan + times.OutageGrace));
            spendEnd = Max(_goodBegan + times.Term, _isAlone ? end : Min(end, _peerAskedAt + times.Term));
        }

        Volatile.Write(ref _end, end.Ticks);
        Volatile.Write(ref _spendEnd, spendEnd.Ticks);
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}

/// <summary>A time for which a silo had no right to decide.</summary>
/// <param name="From">When the right ended.</param>
/// <param name="Until">When a reading gave it back.</param>
public sealed record Lapse(TimeSpan From, TimeSpan Until);
