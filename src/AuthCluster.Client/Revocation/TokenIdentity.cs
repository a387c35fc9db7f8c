namespace AuthCluster.Client.Revocation;

/// <summary>What revocation looks at in a validated token.</summary>
/// <param name="Id">The claim <c>jti</c>.</param>
/// <param name="ClientId">The claim <c>client_id</c>.</param>
/// <param name="KeyId">The id of the key that verified the signature; not the one in the header, which an attacker can choose.</param>
/// <param name="Generation">The claim <c>gen</c>; a token without one is older than any.</param>
public readonly record struct TokenIdentity(string? Id, string? ClientId, string? KeyId, long? Generation);
