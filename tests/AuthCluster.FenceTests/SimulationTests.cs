using System.Globalization;
using AuthCluster.FenceTests.Simulation;

namespace AuthCluster.FenceTests;

/// <summary>The product's own core of the fence, in simulated silos with every kind of fault.</summary>
/// <remarks>
/// <c>AUTHCLUSTER_FENCE_SEED</c> sets the first seed and <c>AUTHCLUSTER_FENCE_RUNS</c> the number of runs of each mix.
/// <c>AUTHCLUSTER_FENCE_TRACE</c> (<c>Random:17</c>, <c>Focused:17</c>) prints what happens in the run of one seed.
/// </remarks>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Runs = 50_000;

    // So many runs have each kind of event.
    private const int RunsThatCover = 10_000;

    [Theory]
    [InlineData(nameof(Mix.Random))]
    [InlineData(nameof(Mix.Focused), nameof(Coverage.Outages), nameof(Coverage.Groups), nameof(Coverage.NamingTheLiving))]
    public void No_fault_breaks_an_invariant(string mix, params string[] rare)
    {
        var firstSeed = ulong.Parse(Setting("SEED") ?? "1", CultureInfo.InvariantCulture);
        var runs = int.Parse(Setting("RUNS") ?? $"{Runs}", CultureInfo.InvariantCulture);

        var (violation, coverage) = Simulator.Run(Enum.Parse<Mix>(mix), firstSeed, runs);

        output.WriteLine($"{mix}, seeds from {firstSeed} on: {coverage}");
        Assert.True(violation is null, $"Seed {violation?.Seed} of {mix} breaks {violation?.Invariant}: {violation?.Message}.");
        Assert.True(coverage.BlindResidues + coverage.LoneResidues < runs / 100, "The residues of limits are more than rare.");
        if (runs >= RunsThatCover)
        {
            string[] residues = [nameof(Coverage.BlindResidues), nameof(Coverage.LoneResidues)];
            Assert.Empty(coverage.Counters().Where(counter => counter.Count == 0).Select(counter => counter.Name).Except(rare).Except(residues));
        }
    }

    [Fact]
    public void The_seed_decides_all_that_happens_in_a_run()
    {
        Assert.Equal(TraceOf(Mix.Random, 7), TraceOf(Mix.Random, 7));
        Assert.NotEqual(TraceOf(Mix.Random, 7), TraceOf(Mix.Random, 8));
    }

    [Fact]
    public void After_the_faults_a_write_of_each_client_holds_everywhere()
    {
        var asked = (Setting("TRACE") ?? "Random:1").Split(':');

        var trace = TraceOf(Enum.Parse<Mix>(asked[0]), ulong.Parse(asked[1], CultureInfo.InvariantCulture));

        if (Setting("TRACE") is not null)
        {
            output.WriteLine(string.Join('\n', trace));
        }

        var end = trace.FindIndex(line => line.Contains("the faults end", StringComparison.Ordinal));
        Assert.All(World.ClientKeys, client => Assert.Contains(
            trace[end..],
            line => line.Contains($"of {client} on", StringComparison.Ordinal) && line.Contains($"answered: {WriteAnswer.Everywhere}", StringComparison.Ordinal)));
    }

    private static List<string> TraceOf(Mix mix, ulong seed)
    {
        var lines = new List<string>();
        new World(seed, mix, Mistake.None, new Coverage(), lines.Add).Run();
        return lines;
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable($"AUTHCLUSTER_FENCE_{name}");
}
