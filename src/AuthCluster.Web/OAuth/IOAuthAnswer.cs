using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Http;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.OAuth;

/// <summary>What an endpoint answers with. An endpoint returns one on each of its ways, so that no request ends without an answer.</summary>
internal interface IOAuthAnswer
{
    /// <summary>Writes it.</summary>
    ValueTask WriteAsync(HttpResponse response);
}

/// <summary>A success with a JSON body.</summary>
/// <param name="Body">The body.</param>
internal sealed record JsonAnswer(ReadOnlyMemory<byte> Body) : IOAuthAnswer
{
    /// <inheritdoc/>
    public ValueTask WriteAsync(HttpResponse response) => JsonResponse.WriteAsync(response, Body);

    /// <summary>Prints nothing of the body.</summary>
    public override string ToString() => $"JsonAnswer({Body.Length})";
}

/// <summary>A success without a body.</summary>
internal sealed record EmptyAnswer : IOAuthAnswer
{
    /// <inheritdoc/>
    public ValueTask WriteAsync(HttpResponse response)
    {
        response.ContentLength = 0;
        return default;
    }
}

/// <summary>An error.</summary>
/// <param name="Error">The error.</param>
internal sealed record OAuthRefusal(OAuthError Error) : IOAuthAnswer
{
    private static readonly TimeSpan MinRetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>The server can't find out now what it has to know for an answer.</summary>
    public static OAuthRefusal Unavailable { get; } = new(OAuthError.TemporarilyUnavailable);

    /// <summary>When a token can be had again, for a 429.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>The reason for the log, which may say more than the caller is told.</summary>
    public string Reason { get; init; } = Error.Description;

    /// <summary>The scopes that the request asked for, as the log may hold them.</summary>
    public string Scope { get; init; } = "";

    /// <inheritdoc/>
    public ValueTask WriteAsync(HttpResponse response)
    {
        TimeSpan? after = Error.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable
            ? (RetryAfter > MinRetryAfter ? RetryAfter : MinRetryAfter)
            : null;
        return OAuthErrorResponse.WriteAsync(response, Error, after);
    }
}
