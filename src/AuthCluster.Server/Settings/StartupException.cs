namespace AuthCluster.Server.Settings;

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
