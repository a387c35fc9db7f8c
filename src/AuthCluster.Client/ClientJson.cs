using System.Text.Json.Serialization;
using AuthCluster.Client.Clients;
using AuthCluster.Client.Introspection;
using AuthCluster.Client.Tokens;

namespace AuthCluster.Client;

/// <summary>The OAuth documents, read without reflection so that trimmed applications can.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString, MaxDepth = 16)]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(IntrospectionResponse))]
internal sealed partial class ClientJson : JsonSerializerContext;
