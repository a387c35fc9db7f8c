namespace AuthCluster.FenceTests.Simulation;

/// <summary>A process: it has a clock of its own, may be stopped for a while, and ends.</summary>
internal sealed class SimProcess
{
    private readonly World _world;
    private readonly List<SimEvent> _held = [];
    private readonly double _rate;
    private readonly long _offset;

    public SimProcess(World world, int index, string name)
    {
        _world = world;
        Index = index;
        Name = name;
        _rate = world.Random.Between(1 - World.ClockError, 1 + World.ClockError);
        _offset = world.Random.Seconds(0, 1_000).Ticks;
        ResumedAt = -TimeSpan.FromDays(1);
    }

    public int Index { get; }

    public string Name { get; }

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    /// <summary>When it was last stopped and resumed, on the world's clock.</summary>
    public TimeSpan ResumedAt { get; private set; }

    /// <summary>The time on its own clock.</summary>
    public TimeSpan Now => TimeSpan.FromTicks(_offset + (long)(_world.Now.Ticks * _rate));

    /// <summary>How long a duration on the own clock is on the world's.</summary>
    public TimeSpan OnWorldClock(TimeSpan duration) => TimeSpan.FromTicks((long)Math.Ceiling(duration.Ticks / _rate));

    /// <summary>Runs something after a duration on the own clock.</summary>
    public void After<T>(TimeSpan delay, T state, Action<T> run) => _world.Post(this, OnWorldClock(delay), state, run);

    public void Pause(TimeSpan length)
    {
        if (IsPaused || !IsAlive)
        {
            return;
        }

        IsPaused = true;
        _world.Coverage.Pauses++;
        _world.Trace?.Invoke($"{Name} is stopped for {length.TotalSeconds:0.000} s");
        _world.Post(null, length, this, static process => process.Resume());
    }

    public void Resume()
    {
        if (!IsPaused)
        {
            return;
        }

        IsPaused = false;
        ResumedAt = _world.Now;
        _world.Trace?.Invoke($"{Name} resumes");
        var delay = TimeSpan.Zero;
        foreach (var held in _held)
        {
            delay += _world.Random.Seconds(0, 0.0004);
            _world.Repost(held, delay + (_world.Random.Chance(0.1) ? _world.Random.Seconds(0, 0.01) : TimeSpan.Zero));
        }

        _held.Clear();
        _world.Judge.Check(this);
    }

    public void Hold(SimEvent held) => _held.Add(held);

    public void End()
    {
        (IsAlive, IsPaused) = (false, false);
        _held.Clear();
    }
}
