using System.Net.Http.Json;

namespace AuthCluster.Client.Tokens;

/// <summary>Whether a request can be sent twice.</summary>
internal static class RequestReplay
{
    /// <summary>True when the body can be read twice; a small one that could not is first taken into memory.</summary>
    public static async ValueTask<bool> PrepareAsync(HttpContent? content, int maxBytes, CancellationToken cancellationToken)
    {
        if (content is null || IsInMemory(content))
            return true;
        if (content.Headers.ContentLength is not { } length || length > maxBytes)
            return false; // a body of unknown length may be a stream that never ends

        await content.LoadIntoBufferAsync(maxBytes, cancellationToken);
        return true;
    }

    private static bool IsInMemory(HttpContent content) => content switch
    {
        ByteArrayContent or ReadOnlyMemoryContent or JsonContent => true, // strings and forms are byte arrays
        MultipartContent parts => parts.All(IsInMemory),
        _ => false,
    };
}
