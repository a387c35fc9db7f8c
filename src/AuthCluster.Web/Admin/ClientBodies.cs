using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Admin;

// These classes describe client documents in the OpenAPI document. The protocol's own reader and writer read and write client documents, and
// a test compares them with these classes.

/// <summary>A client's rate limit.</summary>
public sealed record RateLimitBody
{
    /// <summary>Tokens a second.</summary>
    [Range(0.01, 1_000_000)] public required double TokensPerSecond { get; init; }

    /// <summary>The burst in tokens; the tokens of one second, at least 1, unless given.</summary>
    [Range(1, 10_000_000)] public long? Burst { get; init; }

    /// <summary>Whether requests over it are refused; if false, they are only counted. True unless given.</summary>
    public bool? Enforce { get; init; }
}

/// <summary>A client's quota.</summary>
public sealed record QuotaBody
{
    /// <summary>Tokens in a period.</summary>
    [Range(1, 1_000_000_000_000)] public required long Tokens { get; init; }

    /// <summary><c>hour</c>, <c>day</c> or <c>month</c>, in UTC.</summary>
    public required string Per { get; init; }

    /// <summary>Whether requests over it are refused; if false, they are only counted. True unless given.</summary>
    public bool? Enforce { get; init; }
}

/// <summary>A client document.</summary>
public record ClientDocumentBody
{
    /// <summary>1 to 200 printable ASCII characters other than space, <c>" \ &lt; &gt; % # ?</c>, not beginning with <c>acs_</c>; generated unless given.</summary>
    [StringLength(200, MinimumLength = 1)] public string? ClientId { get; init; }

    /// <summary>A name for people; the id unless given.</summary>
    [StringLength(200, MinimumLength = 1)] public string? Name { get; init; }

    /// <summary>Whether it may get tokens.</summary>
    public bool? Enabled { get; init; }

    /// <summary>The grants that it may use: <c>client_credentials</c>, or none.</summary>
    public IReadOnlyList<string>? GrantTypes { get; init; }

    /// <summary>The scopes that it may have.</summary>
    [MaxLength(200)] public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>The scopes that it gets when it asks for none; all of <c>scopes</c> unless given.</summary>
    [MaxLength(200)] public IReadOnlyList<string>? DefaultScopes { get; init; }

    /// <summary>The audiences that it may ask for; the server's default one unless given.</summary>
    [MaxLength(50)] public IReadOnlyList<string>? Audiences { get; init; }

    /// <summary>The audiences whose API it is: it may introspect tokens with these audiences.</summary>
    [MaxLength(50)] public IReadOnlyList<string>? Introspects { get; init; }

    /// <summary>Lifetime of its tokens in seconds; the server's default unless given.</summary>
    [Range(ClientDocument.MinTokenLifetimeSeconds, ClientDocument.MaxTokenLifetimeSeconds)] public int? TokenLifetimeSeconds { get; init; }

    /// <summary>For how many seconds the same token may be returned again; 0 unless given.</summary>
    [Range(0, 43_200)] public int? TokenReuseSeconds { get; init; }

    /// <summary><c>client_secret_basic</c>, <c>client_secret_post</c>; both unless given.</summary>
    public IReadOnlyList<string>? AuthMethods { get; init; }

    /// <summary>Its rate limit; none unless given.</summary>
    public RateLimitBody? RateLimit { get; init; }

    /// <summary>Its quota; none unless given.</summary>
    public QuotaBody? Quota { get; init; }

    /// <summary>Additional claims of its tokens.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Claims { get; init; }

    /// <summary>Names and values for people and tools; <c>owner</c> is searchable.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>
/// Changes of a client document (RFC 7396), by the names of <c>ClientDocumentBody</c>: a member that is left out stays as it is, null removes
/// one (also inside of <c>rateLimit</c>, <c>quota</c>, <c>claims</c> and <c>metadata</c>), which then has its default.
/// </summary>
/// <remarks>
/// It is described as a map. With a class of these members, generated clients would send null for each member that is not set, and null removes it.
/// </remarks>
public sealed record ClientPatchBody;

/// <summary>A secret to bring over from another server.</summary>
public sealed record GivenSecretBody
{
    /// <summary>The secret itself, 16 to 256 printable ASCII characters.</summary>
    [StringLength(256, MinimumLength = 16)] public string? Secret { get; init; }

    /// <summary>The hash of the secret, instead of the secret: PBKDF2, bcrypt, Argon2id, SHA-256 or SHA-512.</summary>
    [StringLength(1_024)] public string? SecretHash { get; init; }

    /// <summary>A label for people.</summary>
    [StringLength(200)] public string? Label { get; init; }

    /// <summary>When it starts to be valid; at once unless given.</summary>
    public DateTime? NotBefore { get; init; }

    /// <summary>When it expires; never unless given.</summary>
    public DateTime? ExpiresAt { get; init; }
}

/// <summary>A client document to create a client from. Without a secret of its own the server generates one.</summary>
public sealed record NewClientBody : ClientDocumentBody
{
    /// <summary>A given secret, 16 to 256 printable ASCII characters.</summary>
    [StringLength(256, MinimumLength = 16)] public string? Secret { get; init; }

    /// <summary>An imported hash of a secret.</summary>
    [StringLength(1_024)] public string? SecretHash { get; init; }

    /// <summary>Several secrets, where there is more than one.</summary>
    [MaxLength(ClientDocument.MaxSecrets)] public IReadOnlyList<GivenSecretBody>? Secrets { get; init; }
}

/// <summary>A client as the server answers it.</summary>
public record ClientBody : ClientDocumentBody
{
    /// <summary>When it was created.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTime UpdatedAt { get; init; }

    /// <summary>When it last got a token, to the minute; absent for never.</summary>
    public DateTime? LastUsedAt { get; init; }

    /// <summary>Its ETag; only in lists.</summary>
    public string? Etag { get; init; }
}

/// <summary>A client that was created.</summary>
public sealed record CreatedClientBody : ClientBody
{
    /// <summary>The id of its first secret.</summary>
    public required string SecretId { get; init; }

    /// <summary>The generated secret, shown this once; absent when the request gave one.</summary>
    public string? Secret { get; init; }

    /// <summary>Prints the id.</summary>
    public override string ToString() => $"CreatedClientBody({ClientId})";
}

/// <summary>A page of clients.</summary>
/// <param name="Items">The clients.</param>
/// <param name="Next">The value of <c>after</c> for the next page; absent on the last page.</param>
public sealed record ClientPageBody(IReadOnlyList<ClientBody> Items, string? Next);

/// <summary>A request to add a secret.</summary>
public sealed record NewSecretBody
{
    /// <summary>A label for people.</summary>
    [StringLength(200)] public string? Label { get; init; }

    /// <summary>When it starts to be valid; at once unless given.</summary>
    public DateTime? NotBefore { get; init; }

    /// <summary>When it expires; never unless given.</summary>
    public DateTime? ExpiresAt { get; init; }

    /// <summary>When given, the other secrets expire after so many seconds at the latest.</summary>
    [Range(0, 315_360_000)] public int? RetireOthersAfter { get; init; }
}
