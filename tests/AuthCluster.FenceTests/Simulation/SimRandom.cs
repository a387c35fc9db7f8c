namespace AuthCluster.FenceTests.Simulation;

/// <summary>Randomness that a seed repeats exactly, on every machine and runtime (SplitMix64).</summary>
internal sealed class SimRandom(ulong seed)
{
    private ulong _state = (seed * 0x9E3779B97F4A7C15) + 12_345;

    /// <summary>From 0 to just under 1.</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    public double Between(double from, double to) => from + ((to - from) * Fraction());

    public TimeSpan Seconds(double from, double to) => TimeSpan.FromTicks((long)(Between(from, to) * TimeSpan.TicksPerSecond));

    public bool Chance(double probability) => Fraction() < probability;

    public int Below(int count) => (int)(Next() % (ulong)count);

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
