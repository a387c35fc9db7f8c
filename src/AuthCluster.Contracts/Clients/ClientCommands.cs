using System.Collections.Immutable;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Contracts.Clients;

/// <summary>Who makes an administrative change, for the audit.</summary>
/// <param name="Actor">Client id of the token, or <c>system:bootstrap</c>.</param>
/// <param name="RemoteAddress">The caller's address; empty when there is none.</param>
/// <param name="RequestId">The request's correlation id.</param>
/// <param name="AuditId">Unique id of the audit entry, chosen before the write, so that a repeat writes it once.</param>
/// <param name="AnswerWithin">How long the caller waits for the answer of this attempt; zero from older front ends.</param>
[GenerateSerializer, Immutable, Alias("authcluster.actor.v1")]
public sealed record ActorRecord(
    [property: Id(0)] string Actor,
    [property: Id(1)] string RemoteAddress,
    [property: Id(2)] string RequestId,
    [property: Id(3)] string AuditId,
    [property: Id(4)] TimeSpan AnswerWithin = default);

/// <summary>Where a secret came from.</summary>
public enum SecretKind
{
    /// <summary>Made by the server, or given in the generated form.</summary>
    Generated = 0,

    /// <summary>Chosen by a person or another system.</summary>
    Given = 1,

    /// <summary>Imported as a hash.</summary>
    Imported = 2,
}

/// <summary>A secret to store: either the digest that travels, or a slow hash with its expected value.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.new-secret.v1")]
public sealed record NewSecret
{
    /// <summary>The secret's id, unique for the client.</summary>
    [Id(0)] public required string SecretId { get; init; }

    /// <summary>Where it came from.</summary>
    [Id(1)] public required SecretKind Kind { get; init; }

    /// <summary>SHA-256 of the secret; empty when only a slow hash is known.</summary>
    [Id(2)] public ImmutableArray<byte> Digest { get; init; } = [];

    /// <summary>The slow hash's parameters; null when the digest is enough.</summary>
    [Id(3)] public SlowHashParameters? SlowHash { get; init; }

    /// <summary>What the slow hash must give.</summary>
    [Id(4)] public ImmutableArray<byte> Expected { get; init; } = [];

    /// <summary>A label for people, up to 200 characters.</summary>
    [Id(5)] public string? Label { get; init; }

    /// <summary>When it starts to be valid; null for at once.</summary>
    [Id(6)] public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When it ends; null for never.</summary>
    [Id(7)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Prints nothing of the hash.</summary>
    public override string ToString() => $"NewSecret({SecretId}, {Kind})";
}

/// <summary>Creates a client.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.create-client.v1")]
public sealed record CreateClientCommand
{
    /// <summary>The client document, validated, as compact JSON without the members that the server makes.</summary>
    [Id(0)] public required string DocumentJson { get; init; }

    /// <summary>Whether it starts enabled.</summary>
    [Id(1)] public bool Enabled { get; init; } = true;

    /// <summary>Its secrets.</summary>
    [Id(2)] public ImmutableArray<NewSecret> Secrets { get; init; } = [];

    /// <summary>Who creates it.</summary>
    [Id(3)] public required ActorRecord Actor { get; init; }

    /// <summary>When true, an id that ever existed is left alone (bootstrap); when false, a deleted id is created anew.</summary>
    [Id(4)] public bool OnlyIfNeverExisted { get; init; }

    /// <summary>Hash of the Idempotency-Key that drives this creation; null for none. The same key again answers what it made.</summary>
    [Id(5)] public string? IdempotencyId { get; init; }

    /// <summary>When the client was created; the same at a repeat.</summary>
    [Id(6)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Prints nothing of the secrets.</summary>
    public override string ToString() => $"CreateClientCommand({(Secrets.IsDefault ? 0 : Secrets.Length)} secrets)";
}

/// <summary>Replaces a client's document.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.replace-client.v1")]
public sealed record ReplaceClientCommand
{
    /// <summary>The new document, validated, as compact JSON.</summary>
    [Id(0)] public required string DocumentJson { get; init; }

    /// <summary>Whether the client shall be enabled; null leaves it as it is.</summary>
    [Id(1)] public bool? Enabled { get; init; }

    /// <summary>The ETag that must be the present one; null for any.</summary>
    [Id(2)] public string? IfMatch { get; init; }

    /// <summary>Who changes it.</summary>
    [Id(3)] public required ActorRecord Actor { get; init; }
}

/// <summary>Changes a client's document by a JSON merge patch (RFC 7396).</summary>
[GenerateSerializer, Immutable, Alias("authcluster.patch-client.v1")]
public sealed record PatchClientCommand
{
    /// <summary>The patch as the caller sent it, not validated: JSON in UTF-8.</summary>
    [Id(0)] public required ImmutableArray<byte> Patch { get; init; }

    /// <summary>The ETag that must be the present one; null for any.</summary>
    [Id(1)] public string? IfMatch { get; init; }

    /// <summary>Who changes it.</summary>
    [Id(2)] public required ActorRecord Actor { get; init; }

    /// <summary>Prints nothing of the patch.</summary>
    public override string ToString() => "PatchClientCommand";
}

/// <summary>Enables or disables a client.</summary>
/// <param name="Enabled">Whether it may get tokens from now on.</param>
/// <param name="IfMatch">The ETag that must be the present one; null for any.</param>
/// <param name="Actor">Who changes it.</param>
[GenerateSerializer, Immutable, Alias("authcluster.set-enabled.v1")]
public sealed record SetEnabledCommand(
    [property: Id(0)] bool Enabled,
    [property: Id(1)] string? IfMatch,
    [property: Id(2)] ActorRecord Actor);

/// <summary>Deletes a client.</summary>
/// <param name="IfMatch">The ETag that must be the present one; null for any.</param>
/// <param name="Actor">Who deletes it.</param>
[GenerateSerializer, Immutable, Alias("authcluster.delete-client.v1")]
public sealed record DeleteClientCommand(
    [property: Id(0)] string? IfMatch,
    [property: Id(1)] ActorRecord Actor);

/// <summary>Ends all of a client's tokens.</summary>
/// <param name="IfMatch">The ETag that must be the present one; null for any.</param>
/// <param name="Actor">Who ends them.</param>
[GenerateSerializer, Immutable, Alias("authcluster.revoke-tokens.v1")]
public sealed record RevokeTokensCommand(
    [property: Id(0)] string? IfMatch,
    [property: Id(1)] ActorRecord Actor);

/// <summary>Adds a secret.</summary>
/// <param name="Secret">The secret to add.</param>
/// <param name="RetireOthersAfter">When given, the other secrets end after this time at the latest.</param>
/// <param name="IfMatch">The ETag that must be the present one; null for any.</param>
/// <param name="Actor">Who adds it.</param>
/// <param name="IdempotencyId">Hash of the Idempotency-Key; null for none.</param>
/// <param name="CreatedAt">When the secret was made; the same at a repeat.</param>
[GenerateSerializer, Immutable, Alias("authcluster.add-secret.v1")]
public sealed record AddSecretCommand(
    [property: Id(0)] NewSecret Secret,
    [property: Id(1)] TimeSpan? RetireOthersAfter,
    [property: Id(2)] string? IfMatch,
    [property: Id(3)] ActorRecord Actor,
    [property: Id(4)] string? IdempotencyId,
    [property: Id(5)] DateTimeOffset CreatedAt);

/// <summary>Revokes a secret.</summary>
/// <param name="SecretId">Which one.</param>
/// <param name="Force">Also when it is the last valid one.</param>
/// <param name="IfMatch">The ETag that must be the present one; null for any.</param>
/// <param name="Actor">Who revokes it.</param>
[GenerateSerializer, Immutable, Alias("authcluster.revoke-secret.v1")]
public sealed record RevokeSecretCommand(
    [property: Id(0)] string SecretId,
    [property: Id(1)] bool Force,
    [property: Id(2)] string? IfMatch,
    [property: Id(3)] ActorRecord Actor);

/// <summary>Revokes one token.</summary>
/// <param name="Jti">The token's <c>jti</c>.</param>
/// <param name="Generation">The token's <c>gen</c>.</param>
/// <param name="ExpiresAt">The token's <c>exp</c>: the row may go after it.</param>
[GenerateSerializer, Immutable, Alias("authcluster.revoke-token.v1")]
public sealed record RevokeTokenCommand(
    [property: Id(0)] string Jti,
    [property: Id(1)] long Generation,
    [property: Id(2)] DateTimeOffset ExpiresAt);

/// <summary>Asks whether a token is active.</summary>
/// <param name="Jti">The token's <c>jti</c>.</param>
/// <param name="Generation">The token's <c>gen</c>.</param>
/// <param name="Scope">A scope that the client must be registered for still; null for none, as from older front ends.</param>
[GenerateSerializer, Immutable, Alias("authcluster.check-token.v1")]
public sealed record CheckTokenCommand(
    [property: Id(0)] string Jti,
    [property: Id(1)] long Generation,
    [property: Id(2)] string? Scope = null);
