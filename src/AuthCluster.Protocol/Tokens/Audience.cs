using System.Buffers;

namespace AuthCluster.Protocol.Tokens;

/// <summary>The syntax of audiences and resource indicators.</summary>
public static class Audience
{
    /// <summary>Most audiences that a client can have.</summary>
    public const int MaxOfClient = 50;

    /// <summary>Longest audience, in characters.</summary>
    public const int MaxLength = 512;

    private static readonly SearchValues<char> UriCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?[]@!$&'()*+,;=%");

    private static readonly SearchValues<char> SchemeCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

    /// <summary>
    /// Whether a text may be an audience of a client: 1 to 512 characters of <c>%x21-7E</c>, and no fragment when it is a URI.
    /// </summary>
    public static bool IsAcceptable(string? text) =>
        text is not null
        && text.Length is > 0 and <= MaxLength
        && !text.AsSpan().ContainsAnyExceptInRange('!', '~')
        && !(text.Contains('#', StringComparison.Ordinal) && SchemeLength(text) > 0);

    /// <summary>
    /// Whether a text is an absolute URI without a fragment (RFC 3986 section 4.3: <c>absolute-URI</c>; RFC 8707 section 2),
    /// of at most 512 characters. An <c>http</c> or <c>https</c> URI must have a host too.
    /// </summary>
    public static bool IsAbsoluteUri(string? text)
    {
        if (text is null || text.Length > MaxLength)
        {
            return false;
        }

        var scheme = SchemeLength(text);
        if (scheme == 0 || scheme + 1 == text.Length || text.AsSpan().ContainsAnyExcept(UriCharacters) || !HasGoodEscapes(text))
        {
            return false;
        }

        var isWeb = text.StartsWith("https:", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http:", StringComparison.OrdinalIgnoreCase);
        return !isWeb
            || (text.AsSpan(scheme + 1).StartsWith("//") && Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length > 0);
    }

    /// <summary>Length of the scheme that a URI begins with; 0 when there is none (RFC 3986 section 3.1).</summary>
    private static int SchemeLength(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        return colon > 0 && char.IsAsciiLetter(text[0]) && !text[..colon].ContainsAnyExcept(SchemeCharacters) ? colon : 0;
    }

    private static bool HasGoodEscapes(ReadOnlySpan<char> text)
    {
        for (var next = text.IndexOf('%'); next >= 0; next = text.IndexOf('%'))
        {
            if (text.Length - next < 3 || !char.IsAsciiHexDigit(text[next + 1]) || !char.IsAsciiHexDigit(text[next + 2]))
            {
                return false;
            }

            text = text[(next + 3)..];
        }

        return true;
    }
}
