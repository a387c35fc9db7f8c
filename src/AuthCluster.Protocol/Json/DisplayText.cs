using System.Buffers;
using System.Globalization;
using System.Text;

namespace AuthCluster.Protocol.Json;

/// <summary>
/// Names, labels and values that people read. Their length is counted in Unicode code points. Control and format characters (such as
/// those that change the direction of text), surrogates, private and unassigned characters, and separators of lines and paragraphs are
/// refused, so that people see what is stored.
/// </summary>
public static class DisplayText
{
    /// <summary>Whether every character is one that people can see as it is.</summary>
    public static bool HasOnlyPlainCharacters(string text)
    {
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var units) != OperationStatus.Done || IsRefused(Rune.GetUnicodeCategory(rune)))
            {
                return false;
            }

            rest = rest[units..];
        }

        return true;
    }

    /// <summary>Length in Unicode code points.</summary>
    public static int Length(string text)
    {
        var length = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            length++;
        }

        return length;
    }

    /// <summary>What is wrong with a text, as a sentence; null when nothing is.</summary>
    internal static string? ProblemOf(string text, int min, int max)
    {
        // A code point has at most two UTF-16 units, so a text of more than twice the maximum is too long without counting.
        if (text.Length > 2 * max || Length(text) is var length && (length < min || length > max))
        {
            return string.Create(CultureInfo.InvariantCulture, $"Must have {min:N0} to {max:N0} characters.");
        }

        return HasOnlyPlainCharacters(text)
            ? null
            : "Must not have control, format, private or unassigned characters, nor separators of lines.";
    }

    private static bool IsRefused(UnicodeCategory category) => category
        is UnicodeCategory.Control
        or UnicodeCategory.Format
        or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator;
}
