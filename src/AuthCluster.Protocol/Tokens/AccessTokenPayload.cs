using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace AuthCluster.Protocol.Tokens;

/// <summary>The claims of an access token (RFC 9068 section 2.2), and how they are written.</summary>
public sealed record AccessTokenPayload
{
    /// <summary>The <c>typ</c> of the token's header (RFC 9068 section 2.1).</summary>
    public const string HeaderType = "at+jwt";

    /// <summary>
    /// Claims that a client can't configure: those that the server sets, and those with a meaning of their own
    /// (RFC 7519 section 4.1.5, RFC 7800, RFC 8693 sections 4.1 and 4.4).
    /// </summary>
    public static readonly FrozenSet<string> ReservedClaims = FrozenSet.Create(
        StringComparer.Ordinal,
        ["iss", "sub", "client_id", "aud", "scope", "iat", "exp", "jti", "gen", "nbf", "cnf", "act", "may_act"]);

    private static readonly SearchValues<char> Unescaped = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7F - 0x20).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    /// <summary>The issuer: <c>iss</c>.</summary>
    public required string Issuer { get; init; }

    /// <summary>The client's id: <c>sub</c> and <c>client_id</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary>Whom it is for, at least one: <c>aud</c>, a string when it is one.</summary>
    public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>The granted scopes with one space between each two; empty for no <c>scope</c> claim.</summary>
    public required string Scope { get; init; }

    /// <summary>Seconds since 1970 (NumericDate): <c>iat</c>.</summary>
    public required long IssuedAt { get; init; }

    /// <summary>Seconds since 1970 (NumericDate): <c>exp</c>.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary>The token's id: <c>jti</c>.</summary>
    public required string TokenId { get; init; }

    /// <summary>The client's token generation: <c>gen</c>.</summary>
    public required long Generation { get; init; }

    /// <summary>The client's own claims as a compact JSON object without reserved names, UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> ExtraClaims { get; init; }

    /// <summary>Writes the claims as compact JSON, UTF-8.</summary>
    public void WriteTo(IBufferWriter<byte> writer)
    {
        writer.Write("""{"iss":"""u8);
        WriteString(writer, Issuer);
        writer.Write(""","sub":"""u8);
        WriteString(writer, ClientId);
        writer.Write(""","client_id":"""u8);
        WriteString(writer, ClientId);
        writer.Write(""","aud":"""u8);
        WriteAudiences(writer);
        if (Scope.Length > 0)
        {
            writer.Write(""","scope":"""u8);
            WriteString(writer, Scope);
        }

        writer.Write(""","iat":"""u8);
        WriteNumber(writer, IssuedAt);
        writer.Write(""","exp":"""u8);
        WriteNumber(writer, ExpiresAt);
        writer.Write(""","jti":"""u8);
        WriteString(writer, TokenId);
        writer.Write(""","gen":"""u8);
        WriteNumber(writer, Generation);
        if (ExtraClaims.Length > "{}".Length)
        {
            writer.Write(","u8);
            writer.Write(ExtraClaims.Span[1..]);
        }
        else
        {
            writer.Write("}"u8);
        }
    }

    /// <summary>The claims as compact JSON.</summary>
    public string ToJson()
    {
        var writer = new ArrayBufferWriter<byte>(512 + ExtraClaims.Length);
        WriteTo(writer);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }

    /// <summary>Prints the ids alone: a payload is not secret, but has no place in a log either.</summary>
    public override string ToString() => $"AccessTokenPayload({ClientId}, {TokenId})";

    private void WriteAudiences(IBufferWriter<byte> writer)
    {
        if (Audiences.Length == 1)
        {
            WriteString(writer, Audiences[0]);
            return;
        }

        var separator = "["u8;
        foreach (var audience in Audiences)
        {
            writer.Write(separator);
            WriteString(writer, audience);
            separator = ","u8;
        }

        writer.Write("]"u8);
    }

    private static void WriteString(IBufferWriter<byte> writer, string text)
    {
        writer.Write("\""u8);
        var safe = text.AsSpan().ContainsAnyExcept(Unescaped) ? JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) : text;
        Encoding.UTF8.GetBytes(safe, writer);
        writer.Write("\""u8);
    }

    private static void WriteNumber(IBufferWriter<byte> writer, long number)
    {
        var span = writer.GetSpan(20);
        number.TryFormat(span, out var written, provider: CultureInfo.InvariantCulture);
        writer.Advance(written);
    }
}
