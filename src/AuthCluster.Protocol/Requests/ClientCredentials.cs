using AuthCluster.Protocol.Clients;

namespace AuthCluster.Protocol.Requests;

/// <summary>What a caller shows to prove who it is (RFC 6749 section 2.3.1).</summary>
public sealed record ClientCredentials
{
    /// <summary>The client that it says it is.</summary>
    public required ClientId ClientId { get; init; }

    /// <summary>The secret, UTF-8, decoded. Never empty.</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>Where it was found.</summary>
    public required ClientAuthMethod Method { get; init; }

    /// <summary>Prints nothing of the secret.</summary>
    public override string ToString() => $"ClientCredentials({ClientId}, {Method})";
}
