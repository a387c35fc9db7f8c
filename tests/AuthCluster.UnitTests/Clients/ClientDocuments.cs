using System.Text;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Documents as the tests read them.</summary>
internal static class ClientDocuments
{
    public const int ServerLifetime = 3_600;
    public static readonly ClientId Generated = Id("generated");

    public const string Full =
        """
        {
          "clientId": "orders", "name": "Orders — Zürich", "enabled": false, "grantTypes": [],
          "scopes": ["read", "write", "authcluster:read"], "defaultScopes": ["write"],
          "audiences": ["https://one.example/api", "inventory"], "introspects": ["inventory"],
          "tokenLifetimeSeconds": 120, "tokenReuseSeconds": 60, "authMethods": ["client_secret_post"],
          "rateLimit": { "tokensPerSecond": 0.5, "burst": 7, "enforce": false },
          "quota": { "tokens": 1000000000000, "per": "month", "enforce": false },
          "allowedNetworks": [],
          "claims": { "tenant": "t1", "list": [1, -2.50, true, { "a": "ü" }] },
          "metadata": { "owner": "team-a", "empty": "" },
          "secret": "0123456789abcdef"
        }
        """;

    public static ClientDocumentReading New(string json) => ClientDocumentReader.ReadNew(Encoding.UTF8.GetBytes(json), Generated, ServerLifetime);

    public static ClientsFileReading File(string json) => ClientDocumentReader.ReadFile(Encoding.UTF8.GetBytes(json), ServerLifetime);

    public static ClientDocumentReading Patch(string json)
    {
        const string Stored = """{"clientId":"orders","name":"Orders","grantTypes":["client_credentials"],"scopes":["a","b"],"audiences":[],"introspects":[],"tokenReuseSeconds":0,"authMethods":["client_secret_basic","client_secret_post"],"rateLimit":{"tokensPerSecond":5,"enforce":true},"claims":{"x":{"y":1,"z":2}},"metadata":{"owner":"me"}}""";
        return ClientDocumentReader.ReadPatch(Encoding.UTF8.GetBytes(json), Id("orders"), Stored, ServerLifetime);
    }

    public static string Answer(string stored, ClientAnswerMembers members)
    {
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        ClientDocumentWriter.WriteAnswer(writer, stored, members);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }

    public static ClientId Id(string text) => ClientId.TryParse(text, out var id) ? id : throw new ArgumentException(text);
}
