using System.Text.Json.Nodes;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Session;

/// <summary>A client that a test registers and uses.</summary>
public sealed record TestClient(string Id, string Secret)
{
    /// <summary>The further members of an administrator's document.</summary>
    public const string Administers = """{ "scopes": ["authcluster:admin", "authcluster:read"] }""";

    /// <summary>A client with a generated secret.</summary>
    public static TestClient New(string id) => new(id, GeneratedSecret.New());

    /// <summary>Several, numbered from 0.</summary>
    public static IReadOnlyList<TestClient> Many(string prefix, int count) => [.. Enumerable.Range(0, count).Select(i => New($"{prefix}-{i}"))];

    /// <summary>Its document for a <c>Bootstrap:ClientsFile</c>; <paramref name="more"/> holds further members, as JSON.</summary>
    public JsonObject Document(string more = "{}")
    {
        var document = JsonNode.Parse(more)!.AsObject();
        document["clientId"] = Id;
        document["secret"] = Secret;
        return document;
    }

    /// <summary>The body of its token request.</summary>
    public FormUrlEncodedContent TokenRequest() => Form(("grant_type", "client_credentials"));

    /// <summary>A form with its credentials.</summary>
    public FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(
        [.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value)), new("client_id", Id), new("client_secret", Secret)]);

    public override string ToString() => Id;
}
