namespace AuthCluster.Client.Revocation;

/// <summary>What is known about a token whose signature and lifetime are in order.</summary>
public enum TokenStanding
{
    /// <summary>Nothing speaks against it.</summary>
    Active,

    /// <summary>It has been revoked: itself, its client's tokens, its signing key, or all.</summary>
    Revoked,

    /// <summary>The authorization server can't be asked, and what was last known is too old.</summary>
    Unknown,
}
