using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AuthCluster.Protocol.Json;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads a client's own claims, which its tokens carry in addition to the server's claims.</summary>
internal static class ClaimsParse
{
    private const int MaxClaims = 50;
    private const int MaxNameLength = 256;
    private const int MaxBytes = 8_192;
    private const int MaxLevels = 8;

    /// <summary>Reads claims; returns compact JSON. Returns null when there are no claims, or when there are problems, which it notes.</summary>
    public static string? Read(string path, JsonElement claims, FieldErrors errors)
    {
        if (claims.ValueKind != JsonValueKind.Object)
        {
            errors.Add(path, "Must be a JSON object.");
            return null;
        }

        var count = 0;
        foreach (var claim in claims.EnumerateObject())
        {
            if (++count > MaxClaims)
            {
                errors.Add(path, "Must have at most 50 members.");
                return null;
            }

            var claimPath = $"{path}.{StrictJson.InPath(claim.Name)}";
            if (AccessTokenPayload.ReservedClaims.Contains(claim.Name))
            {
                errors.Add(claimPath, "Is a claim that the server sets, or one with a meaning of its own; give it another name.");
            }
            else if (DisplayText.ProblemOf(claim.Name, 1, MaxNameLength) is { } problem)
            {
                errors.Add(claimPath, "The name: " + problem);
            }

            Check(claimPath, claim.Value, 2, errors);
        }

        return count == 0 || errors.Any ? null : Compact(path, claims, errors);
    }

    /// <param name="path">The path of the value.</param>
    /// <param name="value">A value in the claims.</param>
    /// <param name="level">The nesting level of the value when it is an object or a list. The claims object itself is level 1.</param>
    /// <param name="errors">Where problems are noted.</param>
    private static void Check(string path, JsonElement value, int level, FieldErrors errors)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                errors.Add(path, "Must not be null; leave the member out.");
                break;
            case JsonValueKind.String:
                if (!DisplayText.HasOnlyPlainCharacters(value.GetString()!))
                {
                    errors.Add(path, "Must not have control, format, private or unassigned characters, nor separators of lines.");
                }

                break;
            case JsonValueKind.Number:
                if (!value.TryGetDouble(out var number) || !double.IsFinite(number))
                {
                    errors.Add(path, "Is a number that is too large for most readers of tokens.");
                }

                break;
            case JsonValueKind.Object or JsonValueKind.Array when level > MaxLevels:
                errors.Add(path, "Is nested deeper than 8 levels, of which claims itself is the first.");
                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject().TakeWhile(_ => !errors.IsFull))
                {
                    var memberPath = $"{path}.{StrictJson.InPath(member.Name)}";
                    if (!DisplayText.HasOnlyPlainCharacters(member.Name))
                    {
                        errors.Add(memberPath, "The name must not have control, format, private or unassigned characters, nor separators of lines.");
                    }

                    Check(memberPath, member.Value, level + 1, errors);
                }

                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var entry in value.EnumerateArray().TakeWhile(_ => !errors.IsFull))
                {
                    Check(string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"), entry, level + 1, errors);
                }

                break;
        }
    }

    private static string? Compact(string path, JsonElement claims, FieldErrors errors)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonMergePatch.Compact))
        {
            claims.WriteTo(writer);
        }

        var json = WithoutEscapedPairs(Encoding.UTF8.GetString(buffer.WrittenSpan));
        if (Encoding.UTF8.GetByteCount(json) <= MaxBytes)
        {
            return json;
        }

        errors.Add(path, "Must have at most 8,192 bytes as compact JSON.");
        return null;
    }

    /// <summary>
    /// Replaces escaped surrogate pairs by their characters. Every encoder of the BCL escapes characters beyond U+FFFF: it writes
    /// 12 bytes of escapes instead of 4 bytes of UTF-8, which would count against the bound and enlarge every token.
    /// </summary>
    private static string WithoutEscapedPairs(string json)
    {
        if (!json.Contains("\\uD", StringComparison.Ordinal))
        {
            return json;
        }

        var result = new StringBuilder(json.Length);
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] != '\\')
            {
                result.Append(json[i]);
            }
            else if (json[i + 1] == 'u' && ushort.Parse(json.AsSpan(i + 2, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is var unit && char.IsSurrogate((char)unit))
            {
                result.Append((char)unit);
                i += 5;
            }
            else
            {
                result.Append(json[i]).Append(json[++i]);
            }
        }

        return result.ToString();
    }
}
