namespace AuthCluster.FenceTests.Simulation;

/// <summary>Runs many seeds, on all cores.</summary>
internal static class Simulator
{
    /// <summary>Runs seeds until the first violation of all.</summary>
    /// <returns>The violation of the smallest seed among those found; null when there is none.</returns>
    public static (Violation? Violation, Coverage Coverage) Run(Mix mix, ulong firstSeed, int runs, Mistake mistake = Mistake.None)
    {
        const int Chunk = 50;
        var (all, found) = (new Coverage(), (Violation?)null);
        var gate = new Lock();
        Parallel.For(0, (runs + Chunk - 1) / Chunk, (chunk, state) =>
        {
            var coverage = new Coverage();
            for (var i = chunk * Chunk; i < Math.Min(runs, (chunk + 1) * Chunk) && !state.ShouldExitCurrentIteration; i++)
            {
                if (new World(firstSeed + (ulong)i, mix, mistake, coverage).Run() is { } violation)
                {
                    lock (gate)
                    {
                        found = found is null || violation.Seed < found.Seed ? violation : found;
                    }

                    state.Break();
                    break;
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
