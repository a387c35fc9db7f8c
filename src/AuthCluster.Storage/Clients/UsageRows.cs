using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Clients;

/// <summary>How often requests of a client had an outcome in one hour, since the last flush.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Hour">The start of the hour, UTC.</param>
/// <param name="Outcome"><see cref="HourlyUsageRecord.Issued"/>, or the refusal's error code.</param>
/// <param name="Count">How often; added to the stored count.</param>
public sealed record UsageCount(string ClientId, DateTimeOffset Hour, string Outcome, long Count);

/// <summary>Identifies a flush. A stored flush is not stored again, so one of unknown outcome can simply be repeated.</summary>
/// <param name="Writer">The silo's start: unique, up to 64 characters.</param>
/// <param name="Number">1 for the first flush, then one more each time. The next number is used only when the flush before is known to be
/// stored.</param>
/// <param name="At">When, for the sweep.</param>
public sealed record UsageFlush(string Writer, long Number, DateTimeOffset At);

/// <summary>When something was last used.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Kind"><c>client</c>, <c>secret</c> or <c>scope</c>.</param>
/// <param name="Value">The secret's id or the scope; empty for the client itself.</param>
/// <param name="UsedAt">When; only moves forward.</param>
public sealed record LastUse(string ClientId, string Kind, string Value, DateTimeOffset UsedAt);
