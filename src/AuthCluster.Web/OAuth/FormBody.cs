using System.Buffers;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Http;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.OAuth;

/// <summary>Reads a form body within a bound of bytes and a deadline. Keeps at most the bound in memory.</summary>
internal static class FormBody
{
    /// <summary>The error of the request's head, before the body is read; null when the body may be read.</summary>
    public static OAuthError? CheckHead(HttpRequest request, int maxBytes) =>
        !HttpMethods.IsPost(request.Method) ? OAuthError.MethodNotAllowed
        : !ContentCoding.IsNone(request) ? OAuthError.ContentEncodingNotSupported
        : request.ContentLength > maxBytes ? OAuthError.BodyTooLarge
        : null;

    /// <summary>Hands a body to its parser in one piece.</summary>
    public static ParsedRequest<TRequest> Parse<TRequest>(HttpRequest request, in ReadOnlySequence<byte> body, FormParse<TRequest> parse)
        where TRequest : class
    {
        var rented = body.IsSingleSegment ? null : ArrayPool<byte>.Shared.Rent((int)body.Length);
        try
        {
            if (rented is not null)
            {
                body.CopyTo(rented);
            }

            return parse(new FormInput
            {
                Body = rented is null ? body.FirstSpan : rented.AsSpan(0, (int)body.Length),
                ContentType = request.ContentType,
                Authorization = request.Headers.Authorization.ToArray(),
                QueryString = request.QueryString.Value,
            });
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            }
        }
    }

    /// <summary>Reads the body to its end.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxBytes">The bound, in bytes.</param>
    /// <param name="clock">Measures the deadline.</param>
    /// <returns>The body, which stays valid until the reader is advanced, or an error.</returns>
    /// <exception cref="OperationCanceledException">The caller has gone, so there is nobody to answer.</exception>
    public static async ValueTask<FormBodyRead> ReadAsync(HttpRequest request, int maxBytes, TimeProvider clock)
    {
        var reader = request.BodyReader;
        CancellationTokenSource? deadline = null;
        try
        {
            while (true)
            {
                // The body has usually arrived already; a timer is created only when it has not.
                if (!reader.TryRead(out var result))
                {
                    deadline ??= new CancellationTokenSource(BodyFaults.MaxBodyWait, clock);
                    result = await reader.ReadAsync(deadline.Token);
                }

                if (result.Buffer.Length > maxBytes)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    return new FormBodyRead(default, OAuthError.BodyTooLarge);
                }

                if (result.IsCompleted)
                {
                    return new FormBodyRead(result.Buffer, null);
                }

                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (BadHttpRequestException e)
        {
            return new FormBodyRead(default, BodyFaults.AnswerTo(e, OAuthError.BodyTooLarge, OAuthError.BodyNotReceived, OAuthError.MalformedBody));
        }
        catch (OperationCanceledException) when (deadline is { IsCancellationRequested: true })
        {
            return new FormBodyRead(default, OAuthError.BodyNotReceived);
        }
        catch (ConnectionResetException)
        {
            // Kestrel cancels the request a moment later. For an answer before that, Kestrel would log an error with a stack, and any stranger
            // could cause such lines without bound. So end the request, and wait until it is cancelled.
            request.HttpContext.Abort();
            await Task.Delay(Timeout.InfiniteTimeSpan, clock, request.HttpContext.RequestAborted);
            throw;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            request.HttpContext.RequestAborted.ThrowIfCancellationRequested();
            // For example, Kestrel throws an IOException for a chunk size past 2^31, while its sender waits for an answer.
            return new FormBodyRead(default, OAuthError.MalformedBody);
        }
        finally
        {
            deadline?.Dispose();
        }
    }
}

/// <summary>What reading a body gave: the body, unless there is an error.</summary>
internal readonly record struct FormBodyRead(ReadOnlySequence<byte> Body, OAuthError? Error);

/// <summary>Reads a form.</summary>
internal delegate ParsedRequest<TRequest> FormParse<TRequest>(in FormInput input)
    where TRequest : class;
