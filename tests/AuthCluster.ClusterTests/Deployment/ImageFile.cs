using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Deployment;

/// <summary>What the last stage of the <c>Dockerfile</c> sets.</summary>
internal sealed partial class ImageFile
{
    private ImageFile(string text)
    {
        var stage = text[text.LastIndexOf("\nFROM ", StringComparison.Ordinal)..].Replace("\\\n", " ", StringComparison.Ordinal);
        Base = Instruction().Match(stage).Groups["value"].Value;
        foreach (Match instruction in Instruction().Matches(stage))
        {
            var value = instruction.Groups["value"].Value;
            switch (instruction.Groups["name"].Value)
            {
                case "ENV":
                    foreach (Match pair in Pair().Matches(value))
                    {
                        Environment[pair.Groups["name"].Value] = pair.Groups["value"].Value;
                    }

                    break;
                case "USER":
                    User = value;
                    break;
                case "ENTRYPOINT":
                    Entrypoint = value;
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>The image that it starts from.</summary>
    public string Base { get; }

    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    public string? User { get; }

    public string? Entrypoint { get; }

    public static async Task<ImageFile> ReadAsync(CancellationToken cancellationToken) =>
        new(await File.ReadAllTextAsync(Repository.PathOf("Dockerfile"), cancellationToken));

    [GeneratedRegex("^(?<name>[A-Z]+) +(?<value>.*)$", RegexOptions.Multiline)]
    private static partial Regex Instruction();

    [GeneratedRegex("(?<name>[A-Za-z_]+)=(?<value>[^ ]+)")]
    private static partial Regex Pair();
}
