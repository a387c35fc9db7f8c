using System.Text;

namespace AuthCluster.Storage;

/// <summary>Texts that come from outside and are looked for in the database.</summary>
internal static class SearchText
{
    /// <summary>Whether the database could hold this text at all: well-formed Unicode without NUL. If not, nothing can match it.</summary>
    public static bool IsStorable(string text)
    {
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) != System.Buffers.OperationStatus.Done || rune.Value == 0)
            {
                return false;
            }

            rest = rest[length..];
        }

        return true;
    }

    /// <summary>
    /// The form in which names are compared: normalized and in upper case, without regard to culture, so that all nodes and
    /// all databases agree.
    /// </summary>
    public static string NameKey(string name) => name.Normalize(NormalizationForm.FormC).ToUpperInvariant();

    /// <summary>
    /// What is above every text that begins with the prefix, in the database's own order: UTF-8 bytes, or UTF-16 units in
    /// SQL Server. Both characters are non-characters, which no name may hold.
    /// </summary>
    public static string EndOfPrefix(StorageProvider provider, string prefix) =>
        prefix + (provider == StorageProvider.SqlServer ? "\uFFFF" : "\U0010FFFF");
}
