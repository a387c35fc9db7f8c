using System.Collections.Immutable;

namespace AuthCluster.Contracts.Admin;

/// <summary>What runs out in a window.</summary>
/// <param name="From">After this.</param>
/// <param name="To">Not after this.</param>
/// <param name="After">The last secret of the page before; null for the first page.</param>
/// <param name="Limit">The most secrets to answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.expiring-report.v1")]
public sealed record ExpiringReportQuery(
    [property: Id(0)] DateTimeOffset From,
    [property: Id(1)] DateTimeOffset To,
    [property: Id(2)] ExpiringSecretRecord? After,
    [property: Id(3)] int Limit);

/// <summary>A secret that runs out.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="SecretId">The secret's id.</param>
/// <param name="Label">Its label; null for none.</param>
/// <param name="Owner">The client's owner; empty for none.</param>
/// <param name="ClientEnabled">Whether the client may get tokens at all.</param>
/// <param name="ExpiresAt">When it runs out.</param>
[GenerateSerializer, Immutable, Alias("authcluster.expiring-secret.v1")]
public sealed record ExpiringSecretRecord(
    [property: Id(0)] string ClientId,
    [property: Id(1)] string SecretId,
    [property: Id(2)] string? Label,
    [property: Id(3)] string Owner,
    [property: Id(4)] bool ClientEnabled,
    [property: Id(5)] DateTimeOffset ExpiresAt);

/// <summary>A signing key that stops to sign.</summary>
/// <param name="Kid">Its id.</param>
/// <param name="ExpiresAt">When its successor takes over.</param>
[GenerateSerializer, Immutable, Alias("authcluster.expiring-key.v1")]
public sealed record ExpiringKeyRecord(
    [property: Id(0)] string Kid,
    [property: Id(1)] DateTimeOffset ExpiresAt);

/// <summary>What runs out, the soonest first.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Secrets">The secrets.</param>
/// <param name="Keys">The signing keys.</param>
[GenerateSerializer, Immutable, Alias("authcluster.expiring-report-answer.v1")]
public sealed record ExpiringReportAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<ExpiringSecretRecord> Secrets,
    [property: Id(2)] ImmutableArray<ExpiringKeyRecord> Keys);
