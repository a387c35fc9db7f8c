using System.Buffers;
using System.Text;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// A client identifier (RFC 6749 section 2.2): 1 to 200 printable ASCII characters (<c>%x21-7E</c>) other than
/// <c>" \ &lt; &gt; % # ?</c>, not <c>.</c> or <c>..</c>, not beginning with <c>acs_</c>. Case-sensitive.
/// </summary>
/// <remarks>
/// <para>The grammar includes ids of other servers, such as <c>http://adfs/x</c>, <c>a@b</c> and <c>sp-x!b1|y!b2</c>. It excludes
/// spaces, control characters, and the characters that end a JSON string or begin an HTML tag, so a parsed id may be logged. In a URL
/// and in HTTP Basic an id is percent-encoded. Because no id has a percent sign, no text is one id before decoding and another id
/// after it.</para>
/// <para>The grammar excludes the prefix of generated secrets, so that a secret sent instead of an id never counts as an id.</para>
/// </remarks>
public readonly record struct ClientId
{
    /// <summary>Longest id, in characters.</summary>
    public const int MaxLength = 200;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$&'()*+,-./:;=@[]^_`{|}~");

    private readonly string? _value;

    private ClientId(string value) => _value = value;

    /// <summary>The id's text; empty for the default value, which no parse returns.</summary>
    public string Value => _value ?? "";

    /// <summary>Reads an id.</summary>
    /// <returns>False when the text is outside the grammar; it must then not be logged.</returns>
    public static bool TryParse(string? text, out ClientId id)
    {
        if (text is null || !IsInGrammar(text))
        {
            id = default;
            return false;
        }

        id = new ClientId(text);
        return true;
    }

    /// <summary>Reads an id from its UTF-8 bytes; allocates nothing for a text outside the grammar.</summary>
    /// <returns>False when the text is outside the grammar; it must then not be logged.</returns>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out ClientId id)
    {
        id = default;
        if (utf8.Length is 0 or > MaxLength)
        {
            return false;
        }

        Span<char> text = stackalloc char[MaxLength];
        if (Ascii.ToUtf16(utf8, text, out var length) != OperationStatus.Done || !IsInGrammar(text[..length]))
        {
            return false;
        }

        id = new ClientId(new string(text[..length]));
        return true;
    }

    /// <summary>The id's text.</summary>
    public override string ToString() => Value;

    private static bool IsInGrammar(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxLength
        && !text.ContainsAnyExcept(Allowed)
        && text is not ("." or "..")
        && !text.StartsWith(GeneratedSecret.Prefix, StringComparison.Ordinal);
}
