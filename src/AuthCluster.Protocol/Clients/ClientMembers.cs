using System.Collections.Immutable;

namespace AuthCluster.Protocol.Clients;

/// <summary>The names of the members of a client document, as they are read, stored and answered.</summary>
internal static class ClientMembers
{
    public const string ClientId = "clientId";
    public const string Name = "name";
    public const string Enabled = "enabled";
    public const string GrantTypes = "grantTypes";
    public const string Scopes = "scopes";
    public const string DefaultScopes = "defaultScopes";
    public const string Audiences = "audiences";
    public const string Introspects = "introspects";
    public const string TokenLifetimeSeconds = "tokenLifetimeSeconds";
    public const string TokenReuseSeconds = "tokenReuseSeconds";
    public const string AuthMethods = "authMethods";
    public const string RateLimit = "rateLimit";
    public const string Quota = "quota";
    public const string AllowedNetworks = "allowedNetworks";
    public const string Claims = "claims";
    public const string Metadata = "metadata";

    // Members of rateLimit and quota.
    public const string TokensPerSecond = "tokensPerSecond";
    public const string Burst = "burst";
    public const string Tokens = "tokens";
    public const string Per = "per";
    public const string Enforce = "enforce";

    // Members that only a new client may have, and members of the entries of secrets.
    public const string Secrets = "secrets";
    public const string Secret = "secret";
    public const string SecretHash = "secretHash";
    public const string Label = "label";
    public const string NotBefore = "notBefore";
    public const string ExpiresAt = "expiresAt";

    // Members that the server sets.
    public const string CreatedAt = "createdAt";
    public const string UpdatedAt = "updatedAt";
    public const string LastUsedAt = "lastUsedAt";
    public const string ETag = "etag";
    public const string SecretId = "secretId";

    /// <summary>The members of a document, as the error about an unknown member lists them; this version has no <c>allowedNetworks</c>.</summary>
    public static ImmutableArray<string> OfDocument { get; } =
    [
        ClientId, Name, Enabled, GrantTypes, Scopes, DefaultScopes, Audiences, Introspects, TokenLifetimeSeconds, TokenReuseSeconds, AuthMethods,
        RateLimit, Quota, Claims, Metadata,
    ];

    /// <summary>The members by which a new client gets its secrets.</summary>
    public static ImmutableArray<string> OfSecrets { get; } = [Secrets, Secret, SecretHash];

    /// <summary>The members of an entry of <c>secrets</c>.</summary>
    public static ImmutableArray<string> OfSecretEntry { get; } = [Secret, SecretHash, Label, NotBefore, ExpiresAt];

    /// <summary>The members of an answer that a caller may send back with the rest of the answer to a GET; they are ignored then.</summary>
    public static ImmutableArray<string> OfServer { get; } = [CreatedAt, UpdatedAt, LastUsedAt, ETag];
}
