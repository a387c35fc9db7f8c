namespace AuthCluster.Grains.Usage;

/// <summary>What this silo does, for the operator: clients in memory, tokens per second.</summary>
internal sealed class SiloActivity(TimeProvider clock)
{
    // Two seconds apart: enough for a steady average, few enough for a recent one.
    private const int Samples = 6;

    private readonly Queue<(long At, long Granted)> _samples = new(Samples);
    private long _granted;
    private int _activations;

    public DateTimeOffset StartedAt { get; } = clock.GetUtcNow();

    public int Activations => Volatile.Read(ref _activations);

    /// <summary>Tokens per second, averaged over the last 10 to 12 seconds, or longer while writes of usage are slow.</summary>
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

    /// <summary>Takes a sample of the count; called before each write of usage.</summary>
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
