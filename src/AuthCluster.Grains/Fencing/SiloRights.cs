using AuthCluster.Fence;
using AuthCluster.Contracts.Keys;

namespace AuthCluster.Grains.Fencing;

/// <summary>
/// Whether this silo may decide now: it has its mandate, and its keys are current. Everything that decides asks here.
/// </summary>
public sealed class SiloRights
{
    private readonly TimeProvider _clock;
    private readonly long _origin;
    private readonly Lock _lock = new();
    private Waiters? _waiters;

    /// <summary>Starts without the right.</summary>
    internal SiloRights(string self, FenceSettings settings, TimeProvider clock)
    {
        _clock = clock;
        _origin = clock.GetTimestamp();
        // Silos that share one process read the same memory of their members: none can be cut off, so a good reading counts for ever.
        Times = settings.IsShared
            ? new FenceTimes { OutageGrace = settings.OutageGrace }
            : new FenceTimes { OutageGrace = Forever, Term = Forever };
        Mandate = new Mandate(self, Times);
        Fence = new SiloFence(Mandate, Times);
        Keys = Fence.Open(IKeyRingGrain.Key);
    }

    private static TimeSpan Forever => TimeSpan.FromDays(10_000);

    /// <summary>The durations by which this silo decides, and by which writes wait for others.</summary>
    internal FenceTimes Times { get; }

    /// <summary>How often and for how long this silo reads.</summary>
    internal FenceTimes Pace { get; init; } = new();

    internal Mandate Mandate { get; }

    internal SiloFence Fence { get; }

    /// <summary>The copy of keys and floor.</summary>
    internal FencedCopy Keys { get; }

    /// <summary>The time on this process's monotonic clock.</summary>
    internal TimeSpan Now => _clock.GetElapsedTime(_origin);

    /// <summary>Whether this silo has read that it was declared dead, or that its row has gone: it decides nothing any more.</summary>
    public bool HasDied => Mandate.HasDied;

    /// <summary>Whether this silo may decide now.</summary>
    public bool MayDecide => Keys.MayDecide(Now);

    /// <summary>
    /// Waits until this silo may decide, or until it is known that it can't soon: a reading of the membership that began after the call has failed.
    /// </summary>
    public Task<bool> WaitAsync()
    {
        lock (_lock)
        {
            if (MayDecide)
            {
                return Task.FromResult(true);
            }

            return (_waiters ??= new Waiters(Now)).Task;
        }
    }

    /// <summary>Looks whether those who wait can be answered, after a reading or a load of the keys.</summary>
    /// <param name="failedBegan">When the reading or load began, if it failed.</param>
    internal void Look(TimeSpan? failedBegan)
    {
        lock (_lock)
        {
            var may = MayDecide;
            if (_waiters is { } waiters && (may || Mandate.HasDied || failedBegan >= waiters.Since))
            {
                _waiters = null;
                waiters.Answer(may);
            }
        }
    }

    /// <summary>Those who wait for the right, and since when the first of them does.</summary>
    private sealed class Waiters(TimeSpan since)
    {
        private readonly TaskCompletionSource<bool> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TimeSpan Since => since;

        public Task<bool> Task => _answer.Task;

        public void Answer(bool may) => _answer.TrySetResult(may);
    }
}
