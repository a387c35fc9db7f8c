using System.Globalization;

namespace AuthCluster.Benchmarks.Load;

/// <summary>How much to measure.</summary>
/// <param name="Rounds">How often floor and product take their turns.</param>
/// <param name="Seconds">How long one turn lasts.</param>
/// <param name="Callers">Connections, each of which waits for its answer before it asks again.</param>
internal sealed record LoadOptions(int Rounds = 4, int Seconds = 10, int Callers = 32)
{
    /// <summary>Reads <c>--rounds N --seconds N --callers N</c>, in any order.</summary>
    public static LoadOptions Parse(string[] arguments)
    {
        var options = new LoadOptions();
        foreach (var pair in arguments.Chunk(2))
        {
            options = pair switch
            {
                ["--rounds", var rounds] => options with { Rounds = Number(rounds) },
                ["--seconds", var seconds] => options with { Seconds = Number(seconds) },
                ["--callers", var callers] => options with { Callers = Number(callers) },
                _ => throw new ArgumentException($"Unknown option {pair[0]}."),
            };
        }

        return options;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
