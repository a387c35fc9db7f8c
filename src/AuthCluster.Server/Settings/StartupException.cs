namespace AuthCluster.Server.Settings;

#pragma warning disable CA1032 // Created in this assembly alone, always with the sentences to print.
/// <summary>The start is refused for reasons that whoever starts the server can mend.</summary>
internal sealed class StartupException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems))
{
    public StartupException(string problem)
        : this([problem])
    {
    }

    /// <summary>One sentence for each problem.</summary>
    public IReadOnlyList<string> Problems { get; } = problems;
}
#pragma warning restore CA1032
