using System.Buffers;
using System.Text;

namespace AuthCluster.Storage;

/// <summary>Texts that come from outside, on their way into a column or a comparison.</summary>
internal static class StoredText
{
    /// <summary>Room for a name, label or name key: 200 characters, each of which may take two units.</summary>
    private const int MaxNameLength = 400;

    /// <summary>Whether the database could hold this text at all: well-formed Unicode without NUL. If not, nothing can match it.</summary>
    public static bool IsStorable(string text)
    {
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) != OperationStatus.Done || rune.Value == 0)
            {
                return false;
            }

            rest = rest[length..];
        }

        return true;
    }

    /// <summary>
    /// Cuts a text to the length of its column and drops characters that no database takes. A text that its column refuses would block the change
    /// that it describes; and every text was validated before.
    /// </summary>
    public static string Fit(string text, int maxLength)
    {
        if (text.Length <= maxLength && IsStorable(text))
        {
            return text;
        }

        var fitting = new StringBuilder(Math.Min(text.Length, maxLength));
        foreach (var rune in text.EnumerateRunes())
        {
            if (fitting.Length + rune.Utf16SequenceLength > maxLength)
            {
                break;
            }

            if (rune.Value != 0)
            {
                fitting.Append(rune.ToString());
            }
        }

        return fitting.ToString();
    }

    /// <summary>A name or label, cut to its column.</summary>
    public static string Name(string name) => Fit(name, MaxNameLength);

    /// <summary>
    /// The form in which names are compared: normalized and in upper case, without regard to culture, so that all nodes and
    /// all databases agree.
    /// </summary>
    public static string NameKey(string name) => Fit(Name(name).Normalize(NormalizationForm.FormC).ToUpperInvariant(), MaxNameLength);

    /// <summary>
    /// What is above every text that begins with the prefix, in the database's own order: UTF-8 bytes, or UTF-16 units in
    /// SQL Server. Both characters are non-characters, which no name may hold.
    /// </summary>
    public static string EndOfPrefix(StorageProvider provider, string prefix) =>
        prefix + (provider == StorageProvider.SqlServer ? "\uFFFF" : "\U0010FFFF");
}
