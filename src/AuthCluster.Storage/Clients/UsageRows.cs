namespace AuthCluster.Storage.Clients;

/// <summary>How often something happened to a client's requests in one hour, as one writer counted it. Absolute: writing it twice is writing it once.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Hour">The start of the hour, UTC.</param>
/// <param name="Outcome"><see cref="UsageStore.Issued"/>, or the refusal's error code.</param>
/// <param name="Writer">Who counted: unique for each activation of the client's grain.</param>
/// <param name="Count">How often, since the writer began; only grows.</param>
public sealed record UsageCount(string ClientId, DateTimeOffset Hour, string Outcome, string Writer, long Count);

/// <summary>When something was last used.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Kind"><c>client</c>, <c>secret</c> or <c>scope</c>.</param>
/// <param name="Value">The secret's id or the scope; empty for the client itself.</param>
/// <param name="UsedAt">When; only moves forward.</param>
public sealed record LastUse(string ClientId, string Kind, string Value, DateTimeOffset UsedAt);

/// <summary>A client's requests of one hour and outcome, over all writers.</summary>
/// <param name="Hour">The start of the hour, UTC.</param>
/// <param name="Outcome"><see cref="UsageStore.Issued"/>, or the refusal's error code.</param>
/// <param name="Count">How often.</param>
public sealed record HourlyUsage(DateTimeOffset Hour, string Outcome, long Count);

/// <summary>A client's requests in a window.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Issued">Tokens that it got.</param>
/// <param name="Refused">Requests that were refused.</param>
public sealed record ClientUsageTotal(string ClientId, long Issued, long Refused);

/// <summary>A client, secret or scope that was not used for a while.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Kind"><c>client</c>, <c>secret</c> or <c>scope</c>.</param>
/// <param name="Value">The secret's id or the scope; empty for the client itself.</param>
/// <param name="Label">The secret's label; null when it has none.</param>
/// <param name="CreatedAt">Since when it exists.</param>
/// <param name="LastUsedAt">When it was last used; null for never.</param>
public sealed record UnusedPart(
    string ClientId, string Kind, string Value, string? Label, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt);

/// <summary>By what the report on usage is sorted.</summary>
public enum UsageOrder
{
    /// <summary>Most tokens first.</summary>
    Issued = 0,

    /// <summary>Most refusals first.</summary>
    Refused = 1,
}
