namespace AuthCluster.Grains.Usage;

/// <summary>What this silo does, for its operator: clients in memory, tokens granted by the second.</summary>
internal sealed class SiloActivity(TimeProvider clock)
{
    // Two seconds apart: enough of them to be steady, few enough to tell of now.
    private const int Samples = 6;

    private readonly Queue<(long At, long Granted)> _samples = new(Samples);
    private long _granted;
    private int _activations;

    public DateTimeOffset StartedAt { get; } = clock.GetUtcNow();

    public int Activations => Volatile.Read(ref _activations);

    /// <summary>The average of the last ten to twelve seconds, and of more while storage is slow to take the usage.</summary>
    public double TokensPerSecond
    {
        get
        {
            lock (_samples)
            {
                if (!_samples.TryPeek(out var oldest))
                {
                    return 0;
                }

                var seconds = clock.GetElapsedTime(oldest.At).TotalSeconds;
                return seconds > 0 ? Math.Round((Volatile.Read(ref _granted) - oldest.Granted) / seconds, 1) : 0;
            }
        }
    }

    public void Activated() => Interlocked.Increment(ref _activations);

    public void Deactivated() => Interlocked.Decrement(ref _activations);

    public void Granted() => Interlocked.Increment(ref _granted);

    /// <summary>Remembers the count; called before each writing of the usage.</summary>
    public void Sample()
    {
        lock (_samples)
        {
            if (_samples.Count == Samples)
            {
                _samples.Dequeue();
            }

            _samples.Enqueue((clock.GetTimestamp(), Volatile.Read(ref _granted)));
        }
    }
}
