namespace AuthCluster.FenceTests.Simulation;

/// <summary>Runs many seeds, on all cores.</summary>
internal static class Simulator
{
    private const int Chunk = 25;

    /// <summary>Runs seeds until one breaks an invariant.</summary>
    /// <param name="mix">The kind of the runs.</param>
    /// <param name="firstSeed">The first seed.</param>
    /// <param name="runs">How many seeds to try.</param>
    /// <param name="mistake">The mistake that the product makes.</param>
    /// <param name="sought">The invariant at whose breach to stop; all when it is null.</param>
    public static (Violation? Violation, Coverage Coverage) Run(
        Mix mix, ulong firstSeed, int runs, Mistake mistake = Mistake.None, Invariant? sought = null)
    {
        var all = new Coverage();
        Violation? found = null;
        var gate = new Lock();
        Parallel.For(0, (runs + Chunk - 1) / Chunk, (chunk, loop) =>
        {
            var coverage = new Coverage();
            for (var i = chunk * Chunk; i < Math.Min(runs, (chunk + 1) * Chunk) && !loop.IsStopped; i++)
            {
                if (new World(firstSeed + (ulong)i, mix, mistake, coverage).Run() is { } violation && (sought ?? violation.Invariant) == violation.Invariant)
                {
                    found = violation;
                    loop.Stop();
                }
            }

            lock (gate)
            {
                all.Add(coverage);
            }
        });
        return (found, all);
    }
}
