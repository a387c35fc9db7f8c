using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Storage.Clients;

namespace AuthCluster.Grains.StoredState;

/// <summary>
/// A part of the stored state. It keeps members that this build does not know, so that during a rolling upgrade an older silo that rewrites
/// a row does not drop what a newer one stored.
/// </summary>
internal abstract record StoredPart
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>
/// What is stored of one client: one row, written as a whole. Immutable; a changed state replaces the old one in memory only after
/// its write has returned.
/// </summary>
internal sealed record ClientState : StoredPart
{
    /// <summary>A tombstone where there was never a client: once it is stored, a late write of a creation with unknown outcome is refused.</summary>
    public static ClientState NeverExisted { get; } = new() { Deleted = true };

    /// <summary>True for a tombstone: the id may be used again, its generation may not.</summary>
    public bool Deleted { get; init; }

    /// <summary>Whether there is, or was, a client: its first revision is 1.</summary>
    [JsonIgnore]
    public bool Existed => Revision > 0;

    public bool Enabled { get; init; }

    /// <summary>The administrative revision, part of the ETag. Use of the client does not change it.</summary>
    public long Revision { get; init; }

    /// <summary>The ETag that administrators see.</summary>
    [JsonIgnore]
    public string ETag => ETagOf(Revision, CreatedAt);

    /// <summary>
    /// Whether the client may get a token with the admin scope. The last such client can't lose this; the catalogue counts them.
    /// </summary>
    [JsonIgnore]
    public bool IsAdmin =>
        Document is { } document
        && document.TryGetProperty("scopes", out var scopes)
        && scopes.EnumerateArray().Any(scope => scope.ValueEquals(ServerScopes.Admin))
        && !(document.TryGetProperty("grantTypes", out var grants) && grants.GetArrayLength() == 0);

    /// <summary>The client's own part of its token generation. It never falls, not even when the client is deleted.</summary>
    public long Generation { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The client document without the members that the server adds; null in a tombstone.</summary>
    public JsonElement? Document { get; init; }

    public ImmutableArray<SecretState> Secrets { get; init; } = [];

    /// <summary>The activation that spends from the rate limit; null after a clean deactivation.</summary>
    public string? LimitOwner { get; init; }

    /// <summary>Tokens in the bucket at the last clean deactivation; null while an activation owns it, or when no level was ever stored.</summary>
    public double? LimitLevel { get; init; }

    /// <summary>What is reserved of the quota, in the quota's kind of period.</summary>
    public QuotaReservation? Quota { get; init; }

    /// <summary>What is reserved in other kinds of period, which the quota had before.</summary>
    public ImmutableArray<QuotaReservation> OtherQuotas { get; init; } = [];

    /// <summary>The rows of other tables that the same write inserts (audit, catalogue, feed); not part of the stored state.</summary>
    [JsonIgnore]
    public ClientRows? Rows { get; init; }

    /// <summary>Changes of an older build whose audit and feed rows are not inserted yet. This build inserts them in the write that makes the change.</summary>
    public ImmutableArray<OutboxItem> Outbox { get; init; } = [];

    /// <summary>What was created under an Idempotency-Key, for as long as the key is valid.</summary>
    public ImmutableArray<KeyedCreation> Creations { get; init; } = [];

    /// <summary>The last changes, so that a command that is repeated because its answer was lost is not carried out twice.</summary>
    public ImmutableArray<RecentChange> Recent { get; init; } = [];

    /// <summary>Whether the last change was this one, and made this state of the one that had an ETag.</summary>
    /// <param name="etag">The ETag.</param>
    /// <param name="asked">The hash of who asked for what.</param>
    public bool IsMadeOf(string etag, string asked) =>
        etag == ETagOf(Revision - 1, CreatedAt) && Recent is [.., { } last] && last.ETag == ETag && last.Asked == asked;

    /// <summary>The revision that the next administrative change of a state gives.</summary>
    public static long RevisionAfter(ClientState? state) => (state?.Revision ?? 0) + 1;

    /// <summary>The ETag of a revision of the client that was created at a time.</summary>
    public static string ETagOf(long revision, DateTimeOffset createdAt) =>
        string.Create(CultureInfo.InvariantCulture, $"{revision:x}-{createdAt.UtcTicks:x}");

    /// <summary>
    /// The state with each secret once. An earlier build could write a secret twice; the later one of the two was in force.
    /// </summary>
    public ClientState WithEachSecretOnce() =>
        Secrets.Length < 2 || Secrets.DistinctBy(secret => secret.Id).Count() == Secrets.Length
            ? this
            : this with { Secrets = [.. Secrets.Reverse().DistinctBy(secret => secret.Id).Reverse()] };

    /// <summary>The state without the secrets that ended long ago.</summary>
    public ClientState WithoutLongEnded(DateTimeOffset now) =>
        Secrets.Any(secret => secret.HasLongEndedAt(now)) ? this with { Secrets = [.. Secrets.Where(secret => !secret.HasLongEndedAt(now))] } : this;
}

/// <summary>One stored secret: an HMAC under the pepper, or a slow hash, or both once the slow hash was proven.</summary>
internal sealed record SecretState : StoredPart
{
    /// <summary>How long an expired secret is shown, counted and told apart from a wrong one: long enough for monthly reports and for an operator to see it.</summary>
    public static readonly TimeSpan KeptAfterEnd = TimeSpan.FromDays(30);

    public required string Id { get; init; }

    public SecretKind Kind { get; init; }

    public string? Label { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The pepper of <see cref="Mac"/>.</summary>
    public string? PepperId { get; init; }

    /// <summary>HMAC-SHA-256 of client id, secret id and the secret's digest.</summary>
    public byte[]? Mac { get; init; }

    public SlowHashState? SlowHash { get; init; }

    public bool IsValidAt(DateTimeOffset now) =>
        (NotBefore is not { } from || from <= now) && (ExpiresAt is not { } until || now < until);

    /// <summary>Whether it expired so long ago that it no longer counts; the next administrative change drops it.</summary>
    public bool HasLongEndedAt(DateTimeOffset now) => ExpiresAt is { } end && now - end >= KeptAfterEnd;

    public override string ToString() => $"SecretState({Id})";
}

/// <summary>A slow hash: its parameters and the expected result.</summary>
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

/// <summary>One action of an administrative change that the audit and the revocation feed are to get.</summary>
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

    /// <summary>The lowest of the client's own generations whose tokens stay valid; null when the change ended no tokens.</summary>
    public long? EndsTokensBelow { get; init; }
}

/// <summary>What was created under an Idempotency-Key, and the ETag that the client had then.</summary>
internal sealed record KeyedCreation(string IdempotencyId, string? SecretId, DateTimeOffset Until, string? ETag = null) : StoredPart;

/// <summary>A change, known by the id of its audit entry, the ETag that it gave, and a hash of who asked for what.</summary>
internal sealed record RecentChange(string AuditId, string ETag, DateTimeOffset At, string? Asked = null) : StoredPart;
