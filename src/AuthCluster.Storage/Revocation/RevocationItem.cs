using AuthCluster.Contracts.Revocation;

namespace AuthCluster.Storage.Revocation;

/// <summary>A row of the revocations.</summary>
/// <param name="Kind">What it ends.</param>
/// <param name="ClientId">Whose token it is, or which client; empty for a key and for all.</param>
/// <param name="Value">The <c>jti</c>, client id or <c>kid</c>; <see cref="Everything"/> for all.</param>
/// <param name="Gen">A token of what is named is dead when its <c>gen</c> is below this.</param>
/// <param name="ExpiresAt">When no token that it ends can live any more: the row may go.</param>
public sealed record RevocationItem(RevokedKind Kind, string ClientId, string Value, long Gen, DateTimeOffset ExpiresAt)
{
    /// <summary>The value of an item of kind <see cref="RevokedKind.All"/>.</summary>
    public const string Everything = "*";
}

/// <summary>A page of the feed.</summary>
/// <param name="Items">Revocations in the order in which they became visible.</param>
/// <param name="Next">What to ask after next. Never null: the feed has no end.</param>
public sealed record RevocationPage(IReadOnlyList<RevokedRecord> Items, string Next);
