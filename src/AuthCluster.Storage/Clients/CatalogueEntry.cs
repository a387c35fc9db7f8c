using System.Collections.Immutable;

namespace AuthCluster.Storage.Clients;

/// <summary>A row of the catalogue as a client's change writes it: a copy of what its grain stored, for lists, search and reports.</summary>
public sealed record CatalogueEntry
{
    /// <summary>The client id.</summary>
    public required string ClientId { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary><c>metadata.owner</c>; empty for none.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Whether it may get tokens.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Whether it may have the scope <c>authcluster:admin</c>.</summary>
    public required bool IsAdmin { get; init; }

    /// <summary>True for a tombstone: it is in no list, and keeps a late repeat of an older change from restoring the client.</summary>
    public bool Deleted { get; init; }

    /// <summary>The client document as JSON, without the members that the server makes; empty in a tombstone.</summary>
    public required string Document { get; init; }

    /// <summary>The ETag's value, without quotes.</summary>
    public required string ETag { get; init; }

    /// <summary>The client's own count of administrative changes. A row only moves to a higher one; deletion and creation anew count too.</summary>
    public required long Version { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Its secrets and scopes.</summary>
    public ImmutableArray<CataloguePart> Parts { get; init; } = [];
}

/// <summary>A secret or a scope of a client, for the reports on what runs out and what nothing uses.</summary>
/// <param name="Kind"><see cref="ScopeKind"/> or <see cref="SecretKind"/>.</param>
/// <param name="Value">The scope or the secret's id.</param>
/// <param name="Label">The secret's label; null for none.</param>
/// <param name="CreatedAt">Since when the client has it. A part that the catalogue already has keeps its time.</param>
/// <param name="ExpiresAt">When it runs out; null for never.</param>
public sealed record CataloguePart(string Kind, string Value, string? Label, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt)
{
    /// <summary>The client itself, as a part that may be unused.</summary>
    public const string ClientKind = "client";

    /// <summary>A scope that the client may have.</summary>
    public const string ScopeKind = "scope";

    /// <summary>A secret of the client.</summary>
    public const string SecretKind = "secret";
}
