namespace AuthCluster.FenceTests.Simulation;

/// <summary>The bucket of the limited client in one activation.</summary>
internal sealed class SimBucket(SimProcess process)
{
    public const int Capacity = 20;
    public const double PerSecond = 5;

    /// <summary>The most permits that are lent at once.</summary>
    public const int Block = 3;

    private double _tokens;
    private TimeSpan _filledAt;

    public void Reset(int tokens)
    {
        _tokens = tokens;
        _filledAt = process.Now;
    }

    /// <summary>Takes up to so many whole tokens.</summary>
    public int Take(int wanted)
    {
        var now = process.Now;
        _tokens = Math.Min(Capacity, _tokens + ((now - _filledAt).TotalSeconds * PerSecond));
        _filledAt = now;
        var taken = Math.Min(wanted, (int)_tokens);
        _tokens -= taken;
        return taken;
    }
}
