using System.Collections.Immutable;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// The registration of a client without its secrets. A value that was not given and follows something else (the server's
/// lifetime, all of the scopes, one second's burst) stays not given, so that it goes on following.
/// </summary>
/// <remarks>
/// A document comes in through <see cref="ClientDocumentReader"/> (created, read from a file, replaced, patched), is stored as
/// <see cref="ClientDocumentWriter.ToStoredJson"/> writes it, is read back by <see cref="ClientDocumentReader.ReadStored"/>, and
/// goes out by <see cref="ClientDocumentWriter.WriteAnswer"/>.
/// </remarks>
public sealed record ClientDocument
{
    /// <summary>Shortest lifetime of a token, in seconds.</summary>
    public const int MinTokenLifetimeSeconds = 60;

    /// <summary>Longest lifetime of a token, in seconds.</summary>
    public const int MaxTokenLifetimeSeconds = 86_400;

    /// <summary>The name of the metadata that tells whose a client is.</summary>
    public const string OwnerKey = "owner";

    /// <summary>The client's id.</summary>
    public required ClientId ClientId { get; init; }

    /// <summary>A name for people, 1 to 200 characters; the id where none was given.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it may get tokens; null where the document does not say.</summary>
    public bool? Enabled { get; init; }

    /// <summary>The grants that it may use; empty for none.</summary>
    public ImmutableArray<string> GrantTypes { get; init; } = [GrantTypeNames.ClientCredentials];

    /// <summary>The scopes that it may have, in the order in which they are granted.</summary>
    public ImmutableArray<string> Scopes { get; init; } = [];

    /// <summary>What it gets when it asks for none; null for all of its scopes, empty for none.</summary>
    public ImmutableArray<string>? DefaultScopes { get; init; }

    /// <summary>The audiences that it may ask for; empty for the server's default one.</summary>
    public ImmutableArray<string> Audiences { get; init; } = [];

    /// <summary>The audiences that it is the API of: it may introspect their tokens.</summary>
    public ImmutableArray<string> Introspects { get; init; } = [];

    /// <summary>Lifetime of its tokens in seconds, 60 to 86,400; null for the server's.</summary>
    public int? TokenLifetimeSeconds { get; init; }

    /// <summary>For how many seconds the same token may be given again, 0 to half the lifetime.</summary>
    public int TokenReuseSeconds { get; init; }

    /// <summary>The authentication methods that it may use; at least one.</summary>
    public ImmutableArray<ClientAuthMethod> AuthMethods { get; init; } = [ClientAuthMethod.ClientSecretBasic, ClientAuthMethod.ClientSecretPost];

    /// <summary>Its rate limit; null for none.</summary>
    public ClientRateLimit? RateLimit { get; init; }

    /// <summary>Its quota; null for none.</summary>
    public ClientQuota? Quota { get; init; }

    /// <summary>Its own claims as a compact JSON object; null for none.</summary>
    public string? ClaimsJson { get; init; }

    /// <summary>Names and values for people and tools.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = NoMembers;

    /// <summary>Members that a newer version stored and this one does not know, by name, as JSON.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = NoMembers;

    /// <summary>Whether it may use the client credentials grant (RFC 6749 section 4.4).</summary>
    public bool AllowsClientCredentials => GrantTypes.Contains(GrantTypeNames.ClientCredentials);

    /// <summary>What it gets when it asks for no scope.</summary>
    public ImmutableArray<string> EffectiveDefaultScopes => DefaultScopes ?? Scopes;

    /// <summary>Whose it is, from its metadata; null where they don't say.</summary>
    public string? Owner => Metadata.GetValueOrDefault(OwnerKey);

    internal static ImmutableSortedDictionary<string, string> NoMembers { get; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Prints the id.</summary>
    public override string ToString() => $"ClientDocument({ClientId})";
}

/// <summary>A client's rate limit.</summary>
public sealed record ClientRateLimit
{
    /// <summary>Tokens a second, 0.01 to 1,000,000.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The burst that was given, 1 to 10,000,000; null for one second's worth.</summary>
    public long? RegisteredBurst { get; init; }

    /// <summary>Whether it refuses; else it only observes.</summary>
    public bool Enforce { get; init; } = true;

    /// <summary>Members that a newer version stored and this one does not know, by name, as JSON.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = ClientDocument.NoMembers;

    /// <summary>The burst: what was given, else one second's worth, at least 1.</summary>
    public long Burst => RegisteredBurst ?? Limits.RateLimit.DefaultBurst(TokensPerSecond);
}

/// <summary>A client's quota.</summary>
public sealed record ClientQuota
{
    /// <summary>Tokens in a period, 1 to 10^12.</summary>
    public required long Tokens { get; init; }

    /// <summary>The period.</summary>
    public required QuotaPeriod Per { get; init; }

    /// <summary>Whether it refuses; else it only observes.</summary>
    public bool Enforce { get; init; } = true;

    /// <summary>Members that a newer version stored and this one does not know, by name, as JSON.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = ClientDocument.NoMembers;
}

/// <summary>A secret that comes with a client document.</summary>
public sealed record ClientSecretEntry
{
    /// <summary>The secret itself; null where only a hash is known.</summary>
    public string? Secret { get; init; }

    /// <summary>An imported hash; null where the secret itself is given.</summary>
    public ImportedSecretHash? Hash { get; init; }

    /// <summary>A label for people, up to 200 characters.</summary>
    public string? Label { get; init; }

    /// <summary>When it starts to be valid; null for at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When it ends; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the secret has the form of a generated one, and so needs no slow hash.</summary>
    public bool IsGenerated => Secret is not null && GeneratedSecret.IsWellFormed(System.Text.Encoding.UTF8.GetBytes(Secret));

    /// <summary>Prints nothing of the secret.</summary>
    public override string ToString() => "ClientSecretEntry";
}
