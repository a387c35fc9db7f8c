namespace AuthCluster.Web.Admin;

/// <summary>The tags under which the OpenAPI document lists the routes.</summary>
internal static class AdminTags
{
    public const string Clients = "Clients";
    public const string Secrets = "Secrets";
    public const string Reports = "Reports";
    public const string Emergency = "Emergency";
}

/// <summary>The parameters that several routes take.</summary>
internal static class AdminParameters
{
    public static AdminParameter After { get; } = new(AdminCursor.Parameter, "string", "What the page before gave as its next.");

    public static AdminParameter Limit { get; } = new("limit", "integer", "The most items to answer; 100 unless given.")
    {
        Min = 1,
        Max = AdminQuery.MaxLimit,
    };

    public static AdminParameter From { get; } = new("from", "date-time", "The start of the window; 24 hours before its end unless given.");

    public static AdminParameter To { get; } = new("to", "date-time", "The end of the window; now unless given.");

    public static AdminParameter IfMatch { get; } = new(
        "If-Match", "string", "The ETag that the client must have now, in double quotes; 412 when it has another.")
    {
        IsHeader = true,
    };

    public static AdminParameter IfNoneMatch { get; } = new(
        "If-None-Match", "string", "ETags that are known already, in double quotes; 304 when the client still has one of them. What uses a client does not move its ETag.")
    {
        IsHeader = true,
    };

    public static AdminParameter IdempotencyKey { get; } = new(
        IdempotentChoices.Header, "string", "1 to 255 printable characters. For an hour the same key and body get the same answer.")
    {
        IsHeader = true,
    };
}
