using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Storage.Clients;

namespace AuthCluster.Grains.StoredState;

/// <summary>
/// A part of what is stored. Members that this build does not know are kept, so that an older silo which rewrites
/// a row during a rolling upgrade does not drop what a newer one stored.
/// </summary>
internal abstract record StoredPart
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>
/// What is stored of one client: one row, written whole. Immutable; a change is a new value that replaces
/// the old one in memory only after its write has returned.
/// </summary>
internal sealed record ClientState : StoredPart
{
    /// <summary>A tombstone where no client ever was: it keeps a creation of unknown outcome from being stored later on.</summary>
    public static ClientState NeverExisted { get; } = new() { Deleted = true };

    /// <summary>True for a tombstone: the id is free again, its generation is not.</summary>
    public bool Deleted { get; init; }

    /// <summary>Whether there is, or was, a client: the first revision of one is 1.</summary>
    [JsonIgnore]
    public bool Existed => Revision > 0;

    public bool Enabled { get; init; }

    /// <summary>The administrative revision behind the ETag. Never moves with use.</summary>
    public long Revision { get; init; }

    /// <summary>The ETag that administrators see.</summary>
    [JsonIgnore]
    public string ETag => ETagOf(Revision, CreatedAt);

    /// <summary>
    /// Whether it is registered for the admin scope and for a grant to get it by: what the last admin may not lose, and what the catalogue counts.
    /// </summary>
    [JsonIgnore]
    public bool IsAdmin =>
        Document is { } document
        && document.TryGetProperty("scopes", out var scopes)
        && scopes.EnumerateArray().Any(scope => scope.ValueEquals(ServerScopes.Admin))
        && !(document.TryGetProperty("grantTypes", out var grants) && grants.GetArrayLength() == 0);

    /// <summary>The client's own part of its token generation. Only grows, also over deletion.</summary>
    public long Generation { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The client document without the members that the server makes; absent in a tombstone.</summary>
    public JsonElement? Document { get; init; }

    public ImmutableArray<SecretState> Secrets { get; init; } = [];

    /// <summary>The activation that spends from the rate limit; null after a clean deactivation.</summary>
    public string? LimitOwner { get; init; }

    /// <summary>Tokens in the bucket at the last clean deactivation; null when none was ever stored.</summary>
    public double? LimitLevel { get; init; }

    /// <summary>What is reserved of the quota in its kind of period.</summary>
    public QuotaReservation? Quota { get; init; }

    /// <summary>What is reserved in the kinds of period that the quota had before.</summary>
    public ImmutableArray<QuotaReservation> OtherQuotas { get; init; } = [];

    /// <summary>The rows that tell of the change which made this state: written with it, and not a part of it.</summary>
    [JsonIgnore]
    public ClientRows? Rows { get; init; }

    /// <summary>Changes that an older build made and has not told the tables of. This build tells of each change in the write that makes it.</summary>
    public ImmutableArray<OutboxItem> Outbox { get; init; } = [];

    /// <summary>What was made under an Idempotency-Key, for as long as the key counts.</summary>
    public ImmutableArray<KeyedCreation> Creations { get; init; } = [];

    /// <summary>The last changes, so that one which is asked for again, its answer having been lost, is not made twice.</summary>
    public ImmutableArray<RecentChange> Recent { get; init; } = [];

    /// <summary>The ETag of a revision of the client that was created at a time.</summary>
    public static string ETagOf(long revision, DateTimeOffset createdAt) =>
        string.Create(CultureInfo.InvariantCulture, $"{revision:x}-{createdAt.UtcTicks:x}");

    /// <summary>
    /// The state with each secret once. A row may hold one twice that an earlier build wrote; the later one of the two is the one
    /// by which the client was decided.
    /// </summary>
    public ClientState WithEachSecretOnce() =>
        Secrets.Length < 2 || Secrets.DistinctBy(secret => secret.Id).Count() == Secrets.Length
            ? this
            : this with { Secrets = [.. Secrets.Reverse().DistinctBy(secret => secret.Id).Reverse()] };

    /// <summary>The state without the secrets that ended long ago.</summary>
    public ClientState WithoutLongEnded(DateTimeOffset now) =>
        Secrets.Any(secret => secret.HasLongEndedAt(now)) ? this with { Secrets = [.. Secrets.Where(secret => !secret.HasLongEndedAt(now))] } : this;
}

/// <summary>One secret at rest: an HMAC under the pepper, or a slow hash, or both once the slow one was proven.</summary>
internal sealed record SecretState : StoredPart
{
    /// <summary>For so long an ended secret is shown, counted and told apart from a wrong one: a month of reports, and for an operator to see it.</summary>
    public static readonly TimeSpan KeptAfterEnd = TimeSpan.FromDays(30);

    public required string Id { get; init; }

    public SecretKind Kind { get; init; }

    public string? Label { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The pepper that <see cref="Mac"/> was made under.</summary>
    public string? PepperId { get; init; }

    /// <summary>HMAC-SHA-256 of client id, secret id and the secret's digest.</summary>
    public byte[]? Mac { get; init; }

    public SlowHashState? SlowHash { get; init; }

    public bool IsValidAt(DateTimeOffset now) =>
        (NotBefore is not { } from || from <= now) && (ExpiresAt is not { } until || now < until);

    /// <summary>Whether its end is so long ago that it counts no more; it is dropped with the next administrative change.</summary>
    public bool HasLongEndedAt(DateTimeOffset now) => ExpiresAt is { } end && now - end >= KeptAfterEnd;

    public override string ToString() => $"SecretState({Id})";
}

/// <summary>A slow hash with its parameters and what it must give.</summary>
internal sealed record SlowHashState : StoredPart
{
    public required SlowHashAlgorithm Algorithm { get; init; }

    public required byte[] Salt { get; init; }

    public int Iterations { get; init; }

    public int MemoryKib { get; init; }

    public int Parallelism { get; init; }

    public required byte[] Expected { get; init; }

    public override string ToString() => $"SlowHashState({Algorithm})";
}

/// <summary>One administrative change on its way to the audit and the revocation feed.</summary>
internal sealed record OutboxItem : StoredPart
{
    public required string AuditId { get; init; }

    public required DateTimeOffset At { get; init; }

    public required string Actor { get; init; }

    public required string Action { get; init; }

    public required string Target { get; init; }

    public string RemoteAddress { get; init; } = "";

    public string RequestId { get; init; } = "";

    public JsonElement? Before { get; init; }

    public JsonElement? After { get; init; }

    /// <summary>The client's own generation from which on its tokens live, when this change ended the earlier ones.</summary>
    public long? EndsTokensBelow { get; init; }
}

/// <summary>Remembers what an Idempotency-Key made, and the ETag that the client had then.</summary>
internal sealed record KeyedCreation(string IdempotencyId, string? SecretId, DateTimeOffset Until, string? ETag = null) : StoredPart;

/// <summary>Remembers a change by the id of its audit entry, and the ETag that it gave.</summary>
internal sealed record RecentChange(string AuditId, string ETag, DateTimeOffset At) : StoredPart;
