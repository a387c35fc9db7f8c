using System.Collections.Immutable;

namespace AuthCluster.Contracts.Admin;

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
