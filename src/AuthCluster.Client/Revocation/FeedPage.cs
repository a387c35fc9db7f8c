using System.Text.Json.Serialization;

namespace AuthCluster.Client.Revocation;

/// <summary>One answer of the revocation feed.</summary>
internal sealed class FeedPage
{
    public IReadOnlyList<FeedItem?>? Items { get; init; }

    public string? Next { get; init; }
}

/// <summary>One revocation: a token by its <c>jti</c>, a client's tokens or all below a generation, a key by its <c>kid</c>.</summary>
internal sealed class FeedItem
{
    public string? Kind { get; init; }

    public string? Value { get; init; }

    public long? Gen { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>The feed's document, which is camelCase as the server's own API is.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16)]
[JsonSerializable(typeof(FeedPage))]
internal sealed partial class FeedJson : JsonSerializerContext;
