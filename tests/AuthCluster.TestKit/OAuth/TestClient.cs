using System.Text.Json.Nodes;

namespace AuthCluster.TestKit.OAuth;

/// <summary>The credentials of a registered client.</summary>
public sealed record TestClient(string Id, string Secret)
{
    /// <summary>The further members of an administrator's document.</summary>
    public const string Administers = """{ "scopes": ["authcluster:admin", "authcluster:read"] }""";

    /// <summary>A client with a generated secret.</summary>
    public static TestClient New(string id) => new(id, GeneratedSecret.New());

    /// <summary>Several, numbered from 0.</summary>
    public static IReadOnlyList<TestClient> Many(string prefix, int count) => [.. Enumerable.Range(0, count).Select(i => New($"{prefix}-{i}"))];

    /// <summary>Its document for a <c>Bootstrap:ClientsFile</c>; <paramref name="more"/> holds further members, as JSON.</summary>
    public JsonObject Document(string more = "{}") => ClientDocument.For(this, JsonNode.Parse(more)!.AsObject());

    /// <inheritdoc/>
    public override string ToString() => Id;
}
