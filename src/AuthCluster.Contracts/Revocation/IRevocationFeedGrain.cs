using System.Collections.Immutable;
using Orleans.Concurrency;

namespace AuthCluster.Contracts.Revocation;

/// <summary>Reads the feed of revocations for front ends, which have no database of their own. One for each silo, without state.</summary>
[GrainInterfaceType("revocation-feed"), Alias("authcluster.revocation-feed")]
public interface IRevocationFeedGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "r:feed";

    /// <summary>The most items of a page.</summary>
    const int MaxItems = 1_000;

    /// <summary>Reads what became visible after a cursor.</summary>
    /// <param name="after">What the page before gave as its next; null, or one that is not known, starts at the beginning.</param>
    /// <param name="limit">The most items to answer, 1 to <see cref="MaxItems"/>.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    [AlwaysInterleave, Alias("read")]
    Task<RevocationFeedAnswer> ReadAsync(string? after, int limit, CancellationToken cancellationToken = default);
}

/// <summary>What an item of the feed ends.</summary>
public enum RevokedKind
{
    /// <summary>One token, by its <c>jti</c>.</summary>
    Token = 0,

    /// <summary>A client's tokens below a generation.</summary>
    Client = 1,

    /// <summary>The tokens that a key signed.</summary>
    Key = 2,

    /// <summary>All tokens below a generation.</summary>
    All = 3,
}

/// <summary>One revocation.</summary>
/// <param name="Kind">What it ends.</param>
/// <param name="Value">The <c>jti</c>, client id or <c>kid</c>; <c>*</c> for all.</param>
/// <param name="Generation">A token of what is named is dead when its <c>gen</c> is below this.</param>
/// <param name="ExpiresAt">When no token that it ends can live any more.</param>
[GenerateSerializer, Immutable, Alias("authcluster.revoked.v1")]
public sealed record RevokedRecord(
    [property: Id(0)] RevokedKind Kind,
    [property: Id(1)] string Value,
    [property: Id(2)] long Generation,
    [property: Id(3)] DateTimeOffset ExpiresAt);

/// <summary>A page of the feed.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.revocation-feed-answer.v1")]
public sealed record RevocationFeedAnswer
{
    /// <summary>Whether storage answered. When not, the rest says nothing.</summary>
    [Id(0)] public required bool Known { get; init; }

    /// <summary>The items in the order in which they became visible.</summary>
    [Id(1)] public ImmutableArray<RevokedRecord> Items { get; init; } = [];

    /// <summary>What to ask after next.</summary>
    [Id(2)] public string Next { get; init; } = "";
}
