using System.Collections.Immutable;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Protocol.Requests;

/// <summary>A token request whose form is right (RFC 6749 section 4.4.2). Nothing has been decided about it.</summary>
public sealed record TokenRequest
{
    /// <summary>The grant.</summary>
    public required GrantType GrantType { get; init; }

    /// <summary>Who asks.</summary>
    public required ClientCredentials Client { get; init; }

    /// <summary>The different scopes that are asked for, each a scope token; null when none are asked for.</summary>
    public ImmutableArray<string>? RequestedScopes { get; init; }

    /// <summary>Values of <c>audience</c>; empty for none.</summary>
    public ImmutableArray<string> Audiences { get; init; } = [];

    /// <summary>Values of <c>resource</c>, each an absolute URI without fragment (RFC 8707); empty for none.</summary>
    public ImmutableArray<string> Resources { get; init; } = [];

    /// <summary>Prints nothing of the secret, and nothing that the caller sent but its id.</summary>
    public override string ToString() => $"TokenRequest({GrantType}, {Client.ClientId}, {Client.Method}, scopes: {RequestedScopes?.Length})";
}
