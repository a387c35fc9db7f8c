using System.Collections.Immutable;

namespace AuthCluster.Contracts.Admin;

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
