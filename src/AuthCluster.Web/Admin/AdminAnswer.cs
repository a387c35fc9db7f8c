using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AuthCluster.Protocol.Limits;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>An answer of the admin API: a status, a body that is serialized already, and its headers. Never cached.</summary>
/// <remarks>A record of our own, because ASP.NET's typed results take no headers and can't be changed by <c>with</c>.</remarks>
internal sealed record AdminAnswer(int Status) : IResult
{
    /// <summary>The body; null for none.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>The body's media type.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>The ETag's value, without quotes.</summary>
    public string? ETag { get; init; }

    /// <summary>The path of the resource that was created.</summary>
    public string? Location { get; init; }

    /// <summary>How to authenticate (RFC 6750 section 3).</summary>
    public string? Challenge { get; init; }

    /// <summary>When to ask again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>More headers.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>200 with a body.</summary>
    public static AdminAnswer Ok<T>(T body, JsonTypeInfo<T> type) => new(StatusCodes.Status200OK) { Body = JsonSerializer.SerializeToUtf8Bytes(body, type) };

    /// <summary>Prints nothing of the body.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"AdminAnswer({Status})");

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.Headers.CacheControl = "no-store";
        if (ETag is not null)
        {
            response.Headers.ETag = $"\"{ETag}\"";
        }

        if (Location is not null)
        {
            response.Headers.Location = Location;
        }

        if (Challenge is not null)
        {
            response.Headers.WWWAuthenticate = Challenge;
        }

        if (RetryAfter is { } after)
        {
            response.Headers.RetryAfter = RateLimitFields.RetryAfterSeconds(after).ToString(CultureInfo.InvariantCulture);
        }

        foreach (var (name, value) in Headers)
        {
            response.Headers[name] = value;
        }

        if (Body is { } body)
        {
            response.ContentType = ContentType;
            response.ContentLength = body.Length;
            await response.BodyWriter.WriteAsync(body, httpContext.RequestAborted);
        }
    }
}
