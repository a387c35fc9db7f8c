using AuthCluster.Protocol.Clients;

namespace AuthCluster.Protocol.Requests;

/// <summary>The credentials by which a caller authenticates (RFC 6749 section 2.3.1).</summary>
public sealed record ClientCredentials
{
    /// <summary>The id of the client that the caller claims to be.</summary>
    public required ClientId ClientId { get; init; }

    /// <summary>The secret, UTF-8, decoded. Never empty.</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>The method by which the caller sent the secret.</summary>
    public required ClientAuthMethod Method { get; init; }

    /// <summary>Prints nothing of the secret.</summary>
    public override string ToString() => $"ClientCredentials({ClientId}, {Method})";
}
