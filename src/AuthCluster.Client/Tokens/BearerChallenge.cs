using System.Net;

namespace AuthCluster.Client.Tokens;

/// <summary>Reads what an API says about a token in <c>WWW-Authenticate</c> (RFC 6750 §3).</summary>
internal static class BearerChallenge
{
    /// <summary>True for a 401 whose Bearer challenge has <c>error="invalid_token"</c>.</summary>
    public static bool IsInvalidToken(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.Unauthorized
        && response.Headers.WwwAuthenticate.Any(challenge =>
            challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && challenge.Parameter is { } parameters && Error(parameters) is "invalid_token");

    /// <summary>The value of the parameter <c>error</c>: names are case-insensitive, values a token or a quoted string (RFC 9110 §11.2).</summary>
    private static string? Error(ReadOnlySpan<char> parameters)
    {
        while (!parameters.IsEmpty)
        {
            var equals = parameters.IndexOf('=');
            if (equals < 0)
                return null;
            var name = parameters[..equals].Trim(" \t,");
            parameters = parameters[(equals + 1)..].TrimStart();
            var value = TakeValue(ref parameters);
            if (name.Equals("error", StringComparison.OrdinalIgnoreCase))
                return value.ToString();
        }

        return null;
    }

    private static ReadOnlySpan<char> TakeValue(ref ReadOnlySpan<char> rest)
    {
        var quoted = rest.StartsWith('"');
        var start = quoted ? 1 : 0;
        var end = start;
        while (end < rest.Length && rest[end] != (quoted ? '"' : ','))
            end += quoted && rest[end] == '\\' ? 2 : 1;
        end = Math.Min(end, rest.Length);
        var value = rest[start..end];
        rest = rest[Math.Min(end + 1, rest.Length)..];
        return quoted ? value : value.Trim();
    }
}
