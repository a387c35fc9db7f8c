using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Clients;

/// <summary>How often something happened to a client's requests in one hour, since it was last told.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Hour">The start of the hour, UTC.</param>
/// <param name="Outcome"><see cref="HourlyUsageRecord.Issued"/>, or the refusal's error code.</param>
/// <param name="Count">How often: is added to what is stored.</param>
public sealed record UsageCount(string ClientId, DateTimeOffset Hour, string Outcome, long Count);

/// <summary>Which flush of which silo it is. One that is stored is not stored again, so a flush whose outcome is not known is simply repeated.</summary>
/// <param name="Writer">A start of a silo: unique, up to 64 characters.</param>
/// <param name="Number">1 for its first flush, and one more for each that follows. A flush follows when the one before is known to be stored.</param>
/// <param name="At">When, for the sweep.</param>
public sealed record UsageFlush(string Writer, long Number, DateTimeOffset At);

/// <summary>When something was last used.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Kind"><c>client</c>, <c>secret</c> or <c>scope</c>.</param>
/// <param name="Value">The secret's id or the scope; empty for the client itself.</param>
/// <param name="UsedAt">When; only moves forward.</param>
public sealed record LastUse(string ClientId, string Kind, string Value, DateTimeOffset UsedAt);
