using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace AuthCluster.Protocol.Json;

/// <summary>What is wrong with a JSON text, and where.</summary>
/// <param name="Path">The path of the problem, such as <c>scopes[2]</c> or <c>rateLimit.burst</c>; <c>$</c> for the text as a whole.</param>
/// <param name="Problem">The problem, as a sentence.</param>
internal readonly record struct JsonProblem(string Path, string Problem);

/// <summary>
/// Reads JSON without leniency: no comment, no trailing comma, no member twice in an object, no broken Unicode, no deep nesting
/// (RFC 8259; RFC 7493 section 2). The time grows only with the length of the text.
/// </summary>
internal static class StrictJson
{
    /// <summary>The path of the text as a whole.</summary>
    public const string Root = "$";

    /// <summary>Deepest nesting of objects and lists.</summary>
    public const int MaxDepth = 32;

    private const int MaxNameInPath = 64;

    /// <summary>Reads a text.</summary>
    /// <returns>False when there is a problem.</returns>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out JsonDocument? document, out JsonProblem problem)
    {
        document = null;
        // Some editors on Windows begin a file with a byte order mark.
        utf8 = utf8.Span.StartsWith(Encoding.UTF8.Preamble) ? utf8[Encoding.UTF8.Preamble.Length..] : utf8;
        if (!Utf8.IsValid(utf8.Span))
        {
            problem = new JsonProblem(Root, "Is not UTF-8.");
            return false;
        }

        try
        {
            if (ProblemOf(utf8.Span) is { } found)
            {
                problem = found;
                return false;
            }
        }
        catch (JsonException exception)
        {
            problem = new JsonProblem(Root, string.Create(
                CultureInfo.InvariantCulture,
                $"Is not JSON: see line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}."));
            return false;
        }

        document = JsonDocument.Parse(utf8);
        problem = default;
        return true;
    }

    /// <summary>A member's name in the form in which a path shows it: shortened, and without characters that can't be seen.</summary>
    public static string InPath(string name)
    {
        var shown = name.Length > MaxNameInPath ? name[..MaxNameInPath] + "…" : name;
        return DisplayText.HasOnlyPlainCharacters(shown) ? shown : "(unprintable)";
    }

    private static JsonProblem? ProblemOf(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 2 * MaxDepth });
        var levels = new Stack<Level>();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    Count(levels);
                    if (levels.Count == MaxDepth)
                    {
                        return new JsonProblem(PathOf(levels), "Is nested deeper than 32 levels.");
                    }

                    levels.Push(new Level(reader.TokenType == JsonTokenType.StartObject));
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    levels.Pop();
                    break;
                case JsonTokenType.PropertyName:
                    if (TextOf(ref reader) is not { } name)
                    {
                        return new JsonProblem(PathOf(levels), "Has a member name with half of a surrogate pair.");
                    }

                    if (!levels.Peek().TryEnter(name))
                    {
                        return new JsonProblem(PathOf(levels), "Is there more than once.");
                    }

                    break;
                default:
                    Count(levels);
                    if (reader.TokenType == JsonTokenType.String && TextOf(ref reader) is null)
                    {
                        return new JsonProblem(PathOf(levels), "Has half of a surrogate pair.");
                    }

                    break;
            }
        }

        return null;
    }

    private static void Count(Stack<Level> levels)
    {
        if (levels.TryPeek(out var level))
        {
            level.Index++;
        }
    }

    /// <summary>The token's text; null when an escape in it is half of a surrogate pair.</summary>
    private static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // The text is UTF-8, so only such an escape makes the reader throw; the reader has no way to check beforehand.
            return null;
        }
    }

    private static string PathOf(Stack<Level> levels)
    {
        var path = new StringBuilder();
        foreach (var level in levels.Reverse())
        {
            if (!level.IsObject)
            {
                path.Append(CultureInfo.InvariantCulture, $"[{Math.Max(0, level.Index - 1)}]");
            }
            else if (level.Name is { } name)
            {
                path.Append(path.Length > 0 ? "." : "").Append(InPath(name));
            }
        }

        return path.Length == 0 ? Root : path.ToString();
    }

    /// <summary>An object or a list around the reader's present position.</summary>
    private sealed class Level(bool isObject)
    {
        private readonly HashSet<string>? _names = isObject ? new HashSet<string>(StringComparer.Ordinal) : null;

        public bool IsObject { get; } = isObject;

        public int Index { get; set; }

        public string? Name { get; private set; }

        public bool TryEnter(string name)
        {
            Name = name;
            return _names!.Add(name);
        }
    }
}
