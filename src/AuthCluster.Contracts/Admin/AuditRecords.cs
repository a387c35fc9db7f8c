using System.Collections.Immutable;

namespace AuthCluster.Contracts.Admin;

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
