using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AuthCluster.Client.Clients;

/// <summary>Reads a JSON document that the server, or something in its place, has answered.</summary>
internal static class JsonAnswer
{
    /// <summary>The document, or null when the body is something else: a page of a proxy, half a document, nothing.</summary>
    public static async ValueTask<T?> TryReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body, type);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException)
        {
            return null; // the exception is dropped: its text may quote the body, and a body may hold a token
        }
    }
}
