using System.Globalization;
using AuthCluster.FenceTests.Simulation;

namespace AuthCluster.FenceTests;

/// <remarks>
/// <c>AUTHCLUSTER_FENCE_SEED</c> sets the first seed, <c>AUTHCLUSTER_FENCE_RUNS</c> the number of runs of each mix, and
/// <c>AUTHCLUSTER_FENCE_TRACE</c> (<c>Random:17</c>, <c>Focused:17</c>) asks for the trace of one seed.
/// </remarks>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const ulong FirstSeed = 1;
    private const int Runs = 50_000;

    [Theory]
    [InlineData(nameof(Mix.Random))]
    [InlineData(nameof(Mix.Focused))]
    public void No_fault_breaks_an_invariant(string mix)
    {
        var firstSeed = ulong.Parse(Setting("SEED") ?? $"{FirstSeed}", CultureInfo.InvariantCulture);
        var runs = int.Parse(Setting("RUNS") ?? $"{Runs}", CultureInfo.InvariantCulture);

        var (violation, coverage) = Simulator.Run(Enum.Parse<Mix>(mix), firstSeed, runs);

        output.WriteLine($"{mix}: {coverage}");
        Assert.True(violation is null, $"Seed {violation?.Seed} of {mix} breaks {violation?.Invariant}: {violation?.Message}.");
    }

    [Fact]
    public void A_trace_of_one_seed_is_printed_when_it_is_asked_for()
    {
        var asked = (Setting("TRACE") ?? "Random:1").Split(':');
        var lines = 0;
        var world = new World(ulong.Parse(asked[1], CultureInfo.InvariantCulture), Enum.Parse<Mix>(asked[0]), Mistake.None, new Coverage(), line =>
        {
            lines++;
            if (Setting("TRACE") is not null)
            {
                output.WriteLine(line);
            }
        });

        Assert.Null(world.Run());
        Assert.True(lines > 10);
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable($"AUTHCLUSTER_FENCE_{name}");
}
