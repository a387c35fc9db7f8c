using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using Orleans.Concurrency;

namespace AuthCluster.Contracts.Admin;

/// <summary>
/// Lists and reports over all clients, from the tables and never from the clients' own grains: a listing wakes
/// nobody. Any number of activations may answer; front ends ask here because they hold no database connection.
/// </summary>
[GrainInterfaceType("catalogue"), Alias("authcluster.catalogue")]
public interface ICatalogueGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "a:catalogue";

    /// <summary>Lists clients in ordinal order of their ids.</summary>
    [AlwaysInterleave, Alias("list-clients")]
    Task<ClientPageAnswer> ListClientsAsync(ListClientsQuery query, CancellationToken cancellationToken = default);

    /// <summary>Lists audit entries, newest first.</summary>
    [AlwaysInterleave, Alias("list-audit")]
    Task<AuditPageAnswer> ListAuditAsync(ListAuditQuery query, CancellationToken cancellationToken = default);

    /// <summary>When a client, its secrets and its scopes were last used.</summary>
    [AlwaysInterleave, Alias("last-uses")]
    Task<LastUsesAnswer> LastUsesAsync(string clientId, CancellationToken cancellationToken = default);

    /// <summary>A client's requests by hour and outcome.</summary>
    [AlwaysInterleave, Alias("client-usage")]
    Task<ClientUsageAnswer> ClientUsageAsync(ClientUsageQuery query, CancellationToken cancellationToken = default);

    /// <summary>The clients that used or were refused most.</summary>
    [AlwaysInterleave, Alias("usage-report")]
    Task<UsageReportAnswer> UsageReportAsync(UsageReportQuery query, CancellationToken cancellationToken = default);

    /// <summary>Clients, secrets and scopes that nothing used since a time.</summary>
    [AlwaysInterleave, Alias("unused-report")]
    Task<UnusedReportAnswer> UnusedReportAsync(UnusedReportQuery query, CancellationToken cancellationToken = default);

    /// <summary>Secrets and signing keys that run out in a window.</summary>
    [AlwaysInterleave, Alias("expiring-report")]
    Task<ExpiringReportAnswer> ExpiringReportAsync(ExpiringReportQuery query, CancellationToken cancellationToken = default);
}

/// <summary>Which clients to list.</summary>
/// <param name="Search">The beginning of the id or of the name; null for all.</param>
/// <param name="Owner">The owner, exactly; null for all.</param>
/// <param name="After">Only ids after this one; null from the start.</param>
/// <param name="Limit">The most to answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.list-clients.v1")]
public sealed record ListClientsQuery(
    [property: Id(0)] string? Search,
    [property: Id(1)] string? Owner,
    [property: Id(2)] string? After,
    [property: Id(3)] int Limit);

/// <summary>A page of clients, without their secrets.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The clients.</param>
/// <param name="Next">The id to ask after for the next page; null on the last.</param>
[GenerateSerializer, Immutable, Alias("authcluster.client-page.v1")]
public sealed record ClientPageAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<ClientView> Items,
    [property: Id(2)] string? Next);

/// <summary>Which audit entries to list.</summary>
/// <param name="ClientId">Only what was done to this client and its secrets; null for everything.</param>
/// <param name="After">What the page before gave as its next; null from the newest.</param>
/// <param name="Limit">The most to answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.list-audit.v1")]
public sealed record ListAuditQuery(
    [property: Id(0)] string? ClientId,
    [property: Id(1)] string? After,
    [property: Id(2)] int Limit);

/// <summary>Who did what to what, when and from where.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.audit-record.v1")]
public sealed record AuditRecord
{
    /// <summary>The entry's id.</summary>
    [Id(0)] public required string AuditId { get; init; }

    /// <summary>When it was done.</summary>
    [Id(1)] public required DateTimeOffset At { get; init; }

    /// <summary>The client id of the token, or <c>system:…</c>.</summary>
    [Id(2)] public required string Actor { get; init; }

    /// <summary>What was done, such as <c>client.disable</c>.</summary>
    [Id(3)] public required string Action { get; init; }

    /// <summary>What it was done to.</summary>
    [Id(4)] public required string Target { get; init; }

    /// <summary>From where; empty when it is not known.</summary>
    [Id(5)] public string RemoteAddress { get; init; } = "";

    /// <summary>The request's correlation id; empty when there was none.</summary>
    [Id(6)] public string RequestId { get; init; } = "";

    /// <summary>What was there before, as JSON; null for nothing.</summary>
    [Id(7)] public string? BeforeJson { get; init; }

    /// <summary>What is there now, as JSON; null for nothing.</summary>
    [Id(8)] public string? AfterJson { get; init; }
}

/// <summary>A page of the audit, newest first.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The entries.</param>
/// <param name="Next">What to ask for the next page after; null on the last.</param>
/// <param name="AfterIsNone">Whether what was asked after is nothing that a page gave as its next; there are no entries then.</param>
[GenerateSerializer, Immutable, Alias("authcluster.audit-page.v1")]
public sealed record AuditPageAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<AuditRecord> Items,
    [property: Id(2)] string? Next,
    [property: Id(3)] bool AfterIsNone = false);

/// <summary>When something was last used, to the minute.</summary>
/// <param name="Kind"><c>client</c>, <c>secret</c> or <c>scope</c>.</param>
/// <param name="Value">The secret's id or the scope; empty for the client itself.</param>
/// <param name="UsedAt">When.</param>
[GenerateSerializer, Immutable, Alias("authcluster.last-use.v1")]
public sealed record LastUseRecord(
    [property: Id(0)] string Kind,
    [property: Id(1)] string Value,
    [property: Id(2)] DateTimeOffset UsedAt);

/// <summary>The last uses of one client.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The last uses; what was never used is not among them.</param>
[GenerateSerializer, Immutable, Alias("authcluster.last-uses-answer.v1")]
public sealed record LastUsesAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<LastUseRecord> Items);

/// <summary>A window over one client's usage.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="From">Hours that start here or later.</param>
/// <param name="To">Hours that start before this.</param>
[GenerateSerializer, Immutable, Alias("authcluster.client-usage.v1")]
public sealed record ClientUsageQuery(
    [property: Id(0)] string ClientId,
    [property: Id(1)] DateTimeOffset From,
    [property: Id(2)] DateTimeOffset To);

/// <summary>A client's requests in one hour.</summary>
/// <param name="Hour">The start of the hour.</param>
/// <param name="Outcome"><c>issued</c>, or the name of the <see cref="Tokens.Refusal"/>.</param>
/// <param name="Count">How many.</param>
[GenerateSerializer, Immutable, Alias("authcluster.hourly-usage.v1")]
public sealed record HourlyUsageRecord(
    [property: Id(0)] DateTimeOffset Hour,
    [property: Id(1)] string Outcome,
    [property: Id(2)] long Count)
{
    /// <summary>The outcome of a request that got its token.</summary>
    public const string Issued = "issued";
}

/// <summary>A client's usage.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The counts.</param>
[GenerateSerializer, Immutable, Alias("authcluster.client-usage-answer.v1")]
public sealed record ClientUsageAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<HourlyUsageRecord> Items);

/// <summary>Who used most in a window.</summary>
/// <param name="From">Hours that start here or later.</param>
/// <param name="To">Hours that start before this.</param>
/// <param name="ByRefused">True to sort by refusals, false by tokens.</param>
/// <param name="Limit">The most to answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.usage-report.v1")]
public sealed record UsageReportQuery(
    [property: Id(0)] DateTimeOffset From,
    [property: Id(1)] DateTimeOffset To,
    [property: Id(2)] bool ByRefused,
    [property: Id(3)] int Limit);

/// <summary>One client's requests in a window.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Issued">Tokens that it got.</param>
/// <param name="Refused">Requests that were refused.</param>
[GenerateSerializer, Immutable, Alias("authcluster.usage-total.v1")]
public sealed record UsageTotalRecord(
    [property: Id(0)] string ClientId,
    [property: Id(1)] long Issued,
    [property: Id(2)] long Refused);

/// <summary>Who used most.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The clients, most first.</param>
[GenerateSerializer, Immutable, Alias("authcluster.usage-report-answer.v1")]
public sealed record UsageReportAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<UsageTotalRecord> Items);

/// <summary>What was not used since a time.</summary>
/// <param name="Before">Neither used nor made since this.</param>
/// <param name="After">The last of the page before; null for the first page.</param>
/// <param name="Limit">The most to answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.unused-report.v1")]
public sealed record UnusedReportQuery(
    [property: Id(0)] DateTimeOffset Before,
    [property: Id(1)] UnusedRecord? After,
    [property: Id(2)] int Limit);

/// <summary>A client, secret or scope that nothing used.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Kind"><c>client</c>, <c>secret</c> or <c>scope</c>.</param>
/// <param name="Value">The secret's id or the scope; empty for the client itself.</param>
/// <param name="Label">The secret's label; null for none.</param>
/// <param name="CreatedAt">Since when it is there.</param>
/// <param name="LastUsedAt">When it was last used; null for never.</param>
[GenerateSerializer, Immutable, Alias("authcluster.unused.v1")]
public sealed record UnusedRecord(
    [property: Id(0)] string ClientId,
    [property: Id(1)] string Kind,
    [property: Id(2)] string Value,
    [property: Id(3)] string? Label,
    [property: Id(4)] DateTimeOffset CreatedAt,
    [property: Id(5)] DateTimeOffset? LastUsedAt);

/// <summary>What nothing used, in order of client, kind and value.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The parts.</param>
[GenerateSerializer, Immutable, Alias("authcluster.unused-report-answer.v1")]
public sealed record UnusedReportAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<UnusedRecord> Items);

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
