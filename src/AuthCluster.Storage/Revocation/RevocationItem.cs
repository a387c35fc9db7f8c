namespace AuthCluster.Storage.Revocation;

/// <summary>What a revocation ends.</summary>
public enum RevocationKind
{
    /// <summary>One token, by its <c>jti</c>.</summary>
    Token = 0,

    /// <summary>All of a client's tokens below a generation.</summary>
    Client = 1,

    /// <summary>All tokens that a key signed.</summary>
    Key = 2,

    /// <summary>All tokens below a generation.</summary>
    All = 3,
}

/// <summary>One revocation.</summary>
/// <param name="Kind">What it ends.</param>
/// <param name="ClientId">Whose token it is, or which client; empty for a key and for all.</param>
/// <param name="Value">The <c>jti</c>, client id or <c>kid</c>; <see cref="Everything"/> for all.</param>
/// <param name="Gen">A token of what is named is dead when its <c>gen</c> is below this.</param>
/// <param name="ExpiresAt">When no token that it ends can live any more: the row may go.</param>
public sealed record RevocationItem(RevocationKind Kind, string ClientId, string Value, long Gen, DateTimeOffset ExpiresAt)
{
    /// <summary>The value of an item of kind <see cref="RevocationKind.All"/>.</summary>
    public const string Everything = "*";
}

/// <summary>A page of the feed.</summary>
/// <param name="Items">Revocations in the order in which they became visible.</param>
/// <param name="Next">What to ask after next. Never null: the feed has no end.</param>
/// <param name="HasMore">Whether there was more than the limit, so that asking again at once is worth it.</param>
public sealed record RevocationPage(IReadOnlyList<RevocationItem> Items, string Next, bool HasMore);
