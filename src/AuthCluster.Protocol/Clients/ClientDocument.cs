using System.Collections.Immutable;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// The registration of a client without its secrets. A value that was not given and follows another value (the server's
/// lifetime, all of the scopes, one second's burst) is not filled in, so that it keeps following that value.
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

    /// <summary>Longest lifetime of a token: what ends tokens is remembered for so long.</summary>
    public static readonly TimeSpan MaxTokenLifetime = TimeSpan.FromSeconds(MaxTokenLifetimeSeconds);

    /// <summary>Most secrets of a client.</summary>
    public const int MaxSecrets = 32;

    /// <summary>The name of the metadata entry that names the client's owner.</summary>
    public const string OwnerKey = "owner";

    /// <summary>The client's id.</summary>
    public required ClientId ClientId { get; init; }

    /// <summary>A name for people, 1 to 200 characters; the id when none was given.</summary>
    public required string Name { get; init; }

    /// <summary>Whether the client may get tokens; null when the document does not say.</summary>
    public bool? Enabled { get; init; }

    /// <summary>The grants that the client may use; empty for none.</summary>
    public ImmutableArray<string> GrantTypes { get; init; } = [GrantTypeNames.ClientCredentials];

    /// <summary>The scopes that the client may have, in the order in which they are granted.</summary>
    public ImmutableArray<string> Scopes { get; init; } = [];

    /// <summary>The scopes that the client gets when it asks for none; null for all of its scopes, empty for none.</summary>
    public ImmutableArray<string>? DefaultScopes { get; init; }

    /// <summary>The audiences that the client may ask for; empty for the server's default audience.</summary>
    public ImmutableArray<string> Audiences { get; init; } = [];

    /// <summary>The audiences whose API the client is: the client may introspect tokens for these audiences.</summary>
    public ImmutableArray<string> Introspects { get; init; } = [];

    /// <summary>Lifetime of the client's tokens in seconds, 60 to 86,400; null for the server's lifetime.</summary>
    public int? TokenLifetimeSeconds { get; init; }

    /// <summary>For how many seconds the same token may be given again, 0 to half the lifetime.</summary>
    public int TokenReuseSeconds { get; init; }

    /// <summary>The authentication methods that the client may use; at least one.</summary>
    public ImmutableArray<ClientAuthMethod> AuthMethods { get; init; } = [ClientAuthMethod.ClientSecretBasic, ClientAuthMethod.ClientSecretPost];

    /// <summary>The client's rate limit; null for none.</summary>
    public ClientRateLimit? RateLimit { get; init; }

    /// <summary>The client's quota; null for none.</summary>
    public ClientQuota? Quota { get; init; }

    /// <summary>The client's own claims as a compact JSON object; null for none.</summary>
    public string? ClaimsJson { get; init; }

    /// <summary>Names and values for people and tools.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = NoMembers;

    /// <summary>Members that a newer version stored and this one does not know, by name, as JSON.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = NoMembers;

    /// <summary>Whether the client may use the client credentials grant (RFC 6749 section 4.4).</summary>
    public bool AllowsClientCredentials => GrantTypes.Contains(GrantTypeNames.ClientCredentials);

    /// <summary>The scopes that the client gets when it asks for none.</summary>
    public ImmutableArray<string> EffectiveDefaultScopes => DefaultScopes ?? Scopes;

    /// <summary>The client's owner, from the metadata; null when the metadata name none.</summary>
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

    /// <summary>Whether the limit refuses requests; otherwise it only observes them.</summary>
    public bool Enforce { get; init; } = true;

    /// <summary>Members that a newer version stored and this one does not know, by name, as JSON.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = ClientDocument.NoMembers;

    /// <summary>The burst: the given one, or else one second's worth, at least 1.</summary>
    public long Burst => RegisteredBurst ?? Limits.RateLimit.DefaultBurst(TokensPerSecond);
}

/// <summary>A client's quota.</summary>
public sealed record ClientQuota
{
    /// <summary>Tokens in a period, 1 to 10^12.</summary>
    public required long Tokens { get; init; }

    /// <summary>The period.</summary>
    public required QuotaPeriod Per { get; init; }

    /// <summary>Whether the quota refuses requests; otherwise it only observes them.</summary>
    public bool Enforce { get; init; } = true;

    /// <summary>Members that a newer version stored and this one does not know, by name, as JSON.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = ClientDocument.NoMembers;
}

/// <summary>A secret that comes with a client document.</summary>
public sealed record ClientSecretEntry
{
    /// <summary>The secret itself; null when only a hash is known.</summary>
    public string? Secret { get; init; }

    /// <summary>An imported hash; null when the secret itself is given.</summary>
    public ImportedSecretHash? Hash { get; init; }

    /// <summary>A label for people, up to 200 characters.</summary>
    public string? Label { get; init; }

    /// <summary>When the secret becomes valid; null for at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When the secret expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the secret has the form of a generated secret, and so needs no slow hash.</summary>
    public bool IsGenerated => Secret is not null && GeneratedSecret.IsWellFormed(System.Text.Encoding.UTF8.GetBytes(Secret));

    /// <summary>Prints nothing of the secret.</summary>
    public override string ToString() => "ClientSecretEntry";
}
