using System.Buffers;
using AuthCluster.Protocol.Requests;

namespace AuthCluster.Protocol.Revocation;

/// <summary>A request to read the feed of revocations.</summary>
public sealed record RevocationFeedRequest
{
    /// <summary>Longest time that an answer is held.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    // Every cursor that this server gives is far shorter. A longer value counts as no cursor.
    private const int MaxAfterLength = 200;

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789");

    /// <summary>The credentials of the client that asks.</summary>
    public required ClientCredentials Client { get; init; }

    /// <summary>The <c>next</c> of the previous answer; null to read from the beginning.</summary>
    public string? After { get; init; }

    /// <summary>How long the answer may be held until there is something new, at most <see cref="MaxWait"/>.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Reads a request.</summary>
    /// <remarks>
    /// The checks, in their order: no credentials in the query, one Authorization header, <c>after</c> and <c>wait</c> at most
    /// once, <c>wait</c> is a whole number; then the credentials, as at the token endpoint. Unknown parameters are ignored.
    /// </remarks>
    /// <param name="authorization">The values of all Authorization headers.</param>
    /// <param name="queryString">The query string, with or without its question mark, not decoded.</param>
    public static ParsedRequest<RevocationFeedRequest> Parse(ReadOnlySpan<string?> authorization, ReadOnlySpan<char> queryString)
    {
        var client = ClientAuthentication.ParseHeader(authorization, queryString);
        var id = new PresentedId(client.ClientId, client.ClientIdIsMasked);
        if (client is { Succeeded: false, Error.Code: OAuthErrorCodes.InvalidRequest })
        {
            return ParsedRequest<RevocationFeedRequest>.Refused(client.Error, id);
        }

        if (ReadQuery(queryString, out var after, out var wait) is { } error)
        {
            return ParsedRequest<RevocationFeedRequest>.Refused(error, id);
        }

        return client.Succeeded
            ? ParsedRequest<RevocationFeedRequest>.Of(
                new RevocationFeedRequest { Client = client.Request, After = after, Wait = wait }, client.Request.ClientId)
            : ParsedRequest<RevocationFeedRequest>.Refused(client.Error, id);
    }

    /// <summary>Prints no credentials.</summary>
    public override string ToString() => $"RevocationFeedRequest({Client.ClientId})";

    private static OAuthError? ReadQuery(ReadOnlySpan<char> query, out string? after, out TimeSpan wait)
    {
        after = null;
        wait = TimeSpan.Zero;
        string? waitText = null;
        query = query.TrimStart('?');
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            var equals = pair.IndexOf('=');
            var value = equals < 0 ? default : pair[(equals + 1)..];
            switch (equals < 0 ? pair : pair[..equals])
            {
                case "after" when !TryTake(ref after, value):
                case "wait" when !TryTake(ref waitText, value):
                    return OAuthError.RepeatedParameter;
            }
        }

        after = after is { Length: 0 or > MaxAfterLength } ? null : after;
        return string.IsNullOrEmpty(waitText) || TryReadWait(waitText, out wait) ? null : OAuthError.MalformedWait;
    }

    private static bool TryTake(ref string? target, ReadOnlySpan<char> value)
    {
        if (target is not null)
        {
            return false;
        }

        target = Uri.UnescapeDataString(value);
        return true;
    }

    /// <summary>Reads whole seconds; a longer wait than <see cref="MaxWait"/> counts as <see cref="MaxWait"/>.</summary>
    private static bool TryReadWait(string text, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (text.AsSpan().ContainsAnyExcept(Digits))
        {
            return false;
        }

        var digits = text.AsSpan().TrimStart('0');
        wait = digits.Length > 2 ? MaxWait
            : TimeSpan.FromSeconds(Math.Min(digits.IsEmpty ? 0 : int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture), (int)MaxWait.TotalSeconds));
        return true;
    }
}
