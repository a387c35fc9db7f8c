namespace AuthCluster.Storage.Admin;

/// <summary>Who did what to what, when and from where. Never holds secret material.</summary>
public sealed record AuditEntry
{
    /// <summary>Unique, chosen before the change was written, so that a repeat is written once. At most 64 characters.</summary>
    public required string AuditId { get; init; }

    /// <summary>When it was done.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The client id of the token, or a name of the server's own such as <c>system:bootstrap</c>.</summary>
    public required string Actor { get; init; }

    /// <summary>What was done, such as <c>client.disable</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to, as it is shown.</summary>
    public required string Target { get; init; }

    /// <summary>The client that was touched, itself or by one of its secrets; empty when none was.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>From where; empty when it is not known.</summary>
    public string RemoteAddress { get; init; } = "";

    /// <summary>The request's correlation id; empty when there was none.</summary>
    public string RequestId { get; init; } = "";

    /// <summary>What was there before, as JSON; null for nothing.</summary>
    public string? Before { get; init; }

    /// <summary>What is there now, as JSON; null for nothing.</summary>
    public string? After { get; init; }
}

/// <summary>Entries of the audit, newest first.</summary>
/// <param name="Items">The entries.</param>
/// <param name="Next">What to ask for the next page after; null on the last.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Items, string? Next);
