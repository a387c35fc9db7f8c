using System.Text.Json.Nodes;

namespace AuthCluster.TestKit.OAuth;

/// <summary>Writes the clients of a <c>Bootstrap:ClientsFile</c>.</summary>
public static class ClientDocument
{
    /// <summary>One client with one secret; <paramref name="more"/> holds further members of its document.</summary>
    public static JsonObject For(TestClient client, JsonObject? more = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        var document = more ?? [];
        document["clientId"] = client.Id;
        if (!document.ContainsKey("secrets") && !document.ContainsKey("secretHash"))
        {
            document["secret"] = client.Secret;
        }

        return document;
    }

    /// <summary>The whole file.</summary>
    public static string File(params IEnumerable<JsonObject> clients) => new JsonArray([.. clients]).ToJsonString();
}
