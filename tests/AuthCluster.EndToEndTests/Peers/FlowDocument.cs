using System.Text;
using AuthCluster.TestKit;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>The code blocks of <c>docs/client-credentials-flow.md</c>, as they are printed there.</summary>
internal static class FlowDocument
{
    private static readonly string[] Lines = File.ReadAllLines(Repository.PathOf("docs", "client-credentials-flow.md"));

    /// <summary>
    /// The first block of a language under the heading with this text; where two headings have the same text, the heading above tells them apart.
    /// </summary>
    public static string Snippet(string heading, string language, string? under = null)
    {
        var at = under is null ? 0 : LineOf(0, $"## {under}") + 1;
        at = LineOf(LineAfterHeading(at, heading), "```" + language) + 1;
        var code = new StringBuilder();
        while (Lines[at] != "```")
        {
            code.AppendLine(Lines[at++]);
        }

        return code.ToString();
    }

    private static int LineAfterHeading(int from, string heading)
    {
        for (var at = from; at < Lines.Length; at++)
        {
            if (Lines[at].StartsWith('#') && Lines[at].TrimStart('#').Trim() == heading || Lines[at] == heading)
            {
                return at + 1;
            }
        }

        throw new InvalidOperationException($"The document has no heading \"{heading}\".");
    }

    private static int LineOf(int from, string line)
    {
        var at = Array.IndexOf(Lines, line, from);
        return at >= 0 ? at : throw new InvalidOperationException($"The document has no line \"{line}\" after line {from}.");
    }
}
