using System.Collections.Immutable;

namespace AuthCluster.Protocol.Requests;

/// <summary>A token request whose form is valid (RFC 6749 section 4.4.2). The server has not decided about it yet.</summary>
public sealed record TokenRequest
{
    /// <summary>The credentials of the client that asks.</summary>
    public required ClientCredentials Client { get; init; }

    /// <summary>The distinct requested scopes, each a scope token; null when none are requested.</summary>
    public ImmutableArray<string>? RequestedScopes { get; init; }

    /// <summary>Values of <c>audience</c>; empty for none.</summary>
    public ImmutableArray<string> Audiences { get; init; } = [];

    /// <summary>Values of <c>resource</c>, each an absolute URI without fragment (RFC 8707); empty for none.</summary>
    public ImmutableArray<string> Resources { get; init; } = [];

    /// <summary>Prints nothing of the secret; of the caller's texts it prints only the id.</summary>
    public override string ToString() => $"TokenRequest({Client.ClientId}, {Client.Method}, scopes: {RequestedScopes?.Length})";
}
