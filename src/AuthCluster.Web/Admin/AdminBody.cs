using AuthCluster.Web.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace AuthCluster.Web.Admin;

/// <summary>Reads a body within a bound of bytes and a deadline, or says what is wrong with it.</summary>
/// <remarks>ASP.NET's own binding of JSON would stop at the first mistake and name no field.</remarks>
internal static class AdminBody
{
    /// <summary>Largest accepted body, in bytes.</summary>
    public const int MaxBytes = 262_144;

    public const string Json = "application/json";

    /// <summary>The header that says what a PATCH takes (RFC 5789 section 3.1).</summary>
    public const string AcceptPatch = "Accept-Patch";

    /// <summary>Reads a body of the given media type. Where the body may be empty, an empty one needs no media type.</summary>
    public static async Task<AdminBodyRead> ReadAsync(HttpRequest request, string mediaType, bool mayBeEmpty, TimeProvider clock)
    {
        if (!ContentCoding.IsNone(request))
        {
            return new AdminBodyRead(AdminProblem.ContentEncoding);
        }

        var isOfType = MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase);
        // Without a Content-Length a Content-Type tells of a body: the gate may have read the body already, looking for a token.
        if (!isOfType && (!mayBeEmpty || request.ContentLength > 0 || (request.ContentLength is null && request.ContentType is not null)))
        {
            return new AdminBodyRead(AdminProblem.MediaType(mediaType));
        }

        var read = await ReadAsync(request, clock);
        return read.Problem is null && !isOfType && !read.Bytes.IsEmpty
            ? new AdminBodyRead(AdminProblem.MediaType(mediaType))
            : read;
    }

    /// <summary>Reads a body of any media type.</summary>
    public static Task<AdminBodyRead> ReadAsync(HttpRequest request, TimeProvider clock)
    {
        // How fast the caller sends takes nothing from the time for its answer.
        var deadline = AdminDeadline.Of(request.HttpContext);
        return deadline is null ? ReceiveAsync(request, clock) : deadline.SuspendAsync(() => ReceiveAsync(request, clock));
    }

    private static async Task<AdminBodyRead> ReceiveAsync(HttpRequest request, TimeProvider clock)
    {
        if (request.ContentLength > MaxBytes)
        {
            return new AdminBodyRead(AdminProblem.TooLarge);
        }

        using var deadline = new CancellationTokenSource(BodyFaults.MaxBodyWait, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, request.HttpContext.RequestAborted);
        var bytes = new MemoryStream();
        var buffer = new byte[8_192];
        try
        {
            while (await request.Body.ReadAsync(buffer, linked.Token) is > 0 and var read)
            {
                if (bytes.Length + read > MaxBytes)
                {
                    return new AdminBodyRead(AdminProblem.TooLarge);
                }

                await bytes.WriteAsync(buffer.AsMemory(0, read), linked.Token);
            }
        }
        catch (BadHttpRequestException e)
        {
            return new AdminBodyRead(BodyFaults.AnswerTo(e, AdminProblem.TooLarge, AdminProblem.BodyNotReceived, AdminProblem.BodyMalformed));
        }
        catch (OperationCanceledException)
        {
            return new AdminBodyRead(AdminProblem.BodyNotReceived);
        }
        catch (IOException)
        {
            return new AdminBodyRead(AdminProblem.BodyMalformed);
        }

        return new AdminBodyRead(null) { Bytes = bytes.ToArray() };
    }
}

/// <summary>What reading a body gave.</summary>
internal readonly record struct AdminBodyRead(AdminAnswer? Problem)
{
    public ReadOnlyMemory<byte> Bytes { get; init; }

    public override string ToString() => nameof(AdminBodyRead);
}
