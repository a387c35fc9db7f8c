using AuthCluster.Protocol.Admin;

namespace AuthCluster.Web.Admin;

/// <summary>What the OpenAPI document tells of each route.</summary>
internal static class AdminRouteDocs
{
    private const string Clients = "Clients";
    private const string Secrets = "Secrets";
    private const string Reports = "Reports";
    private const string Emergency = "Emergency";

    private static readonly AdminParameter Limit = new("limit", "integer", "The most items to answer; 100 unless given.")
    {
        Min = 1,
        Max = 1_000,
    };

    private static readonly AdminParameter IfMatch = new(
        "If-Match", "string", "The ETag that the client must have now, in double quotes; 412 when it has another.")
    {
        IsHeader = true,
    };

    private static readonly AdminParameter IfNoneMatch = new(
        "If-None-Match", "string", "ETags that are known already, in double quotes; 304 when the client still has one of them. What uses a client does not move its ETag.")
    {
        IsHeader = true,
    };

    private static readonly AdminParameter IdempotencyKey = new(
        "Idempotency-Key", "string", "1 to 255 printable characters. For an hour the same key and body get the same answer.")
    {
        IsHeader = true,
    };

    private static readonly AdminParameter From = new("from", "date-time", "The start of the window; 24 hours before its end unless given.");

    private static readonly AdminParameter To = new("to", "date-time", "The end of the window; now unless given.");

    public static AdminRouteDoc CreateClient { get; } = new("createClient", Clients, "Creates a client; its generated secret is shown this once.")
    {
        Answers = [(201, typeof(CreatedClientBody))],
        MoreProblems = [409, 412, 422],
        Parameters = [IdempotencyKey],
        Body = typeof(NewClientBody),
        HasETag = true,
        HasLocation = true,
    };

    public static AdminRouteDoc ListClients { get; } = new("listClients", Clients, "Lists clients in ordinal order of their ids, page by page.")
    {
        Answers = [(200, typeof(ClientPageBody))],
        Parameters =
        [
            new AdminParameter("search", "string", "The beginning of the id, or of the name without regard to case."),
            new AdminParameter("owner", "string", "metadata.owner, exactly."),
            new AdminParameter("after", "string", "What the page before gave as its next."),
            Limit,
        ],
    };

    public static AdminRouteDoc GetClient { get; } = new("getClient", Clients, "Reads a client; its ETag is in the header.")
    {
        Answers = [(200, typeof(ClientBody)), (304, null)],
        MoreProblems = [404, 412],
        Parameters = [IfMatch, IfNoneMatch],
        HasETag = true,
    };

    public static AdminRouteDoc ReplaceClient { get; } = new("replaceClient", Clients, "Replaces a client's document; enabled stays as it is unless given.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 409, 412, 428],
        Parameters = [IfMatch with { Required = true }],
        Body = typeof(ClientDocumentBody),
        HasETag = true,
    };

    public static AdminRouteDoc PatchClient { get; } = new("patchClient", Clients, "Changes members of a client's document (RFC 7396); null removes one.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 409, 412],
        Parameters = [IfMatch],
        Body = typeof(ClientPatchBody),
        BodyType = JsonMergePatch.ContentType,
        HasETag = true,
    };

    public static AdminRouteDoc DeleteClient { get; } = new("deleteClient", Clients, "Deletes a client. It gets no token from the answer on, and its tokens are dead.")
    {
        Answers = [(204, null)],
        MoreProblems = [404, 409, 412],
        Parameters = [IfMatch],
    };

    public static AdminRouteDoc DisableClient { get; } = new("disableClient", Clients, "Disables a client. It gets no token from the answer on, and its tokens are dead.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 409, 412],
        Parameters = [IfMatch],
        HasETag = true,
    };

    public static AdminRouteDoc EnableClient { get; } = new("enableClient", Clients, "Enables a client.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 412],
        Parameters = [IfMatch],
        HasETag = true,
    };

    public static AdminRouteDoc RevokeClientTokens { get; } = new("revokeClientTokens", Emergency, "Ends every token of one client that was issued before.")
    {
        Answers = [(204, null)],
        MoreProblems = [404, 412],
        Parameters = [IfMatch],
    };

    public static AdminRouteDoc RevokeAllTokens { get; } = new("revokeAllTokens", Emergency, "Ends every token of every client that was issued before, yours too.")
    {
        Answers = [(204, null)],
    };

    public static AdminRouteDoc Cluster { get; } = new("describeCluster", Reports, "The living silos: status, version, clients in memory, tokens by the second.")
    {
        Answers = [(200, typeof(ClusterBody))],
    };

    public static AdminRouteDoc AddSecret { get; } = new("addSecret", Secrets, "Adds a secret, shown this once; with retireOthersAfter it also ends the others, in one write.")
    {
        Answers = [(201, typeof(AddedSecretBody))],
        MoreProblems = [404, 409, 412, 422],
        Parameters = [IdempotencyKey, IfMatch],
        Body = typeof(NewSecretBody),
        BodyOptional = true,
        HasETag = true,
        HasLocation = true,
    };

    public static AdminRouteDoc ListSecrets { get; } = new("listSecrets", Secrets, "Lists a client's secrets, without the secrets themselves.")
    {
        Answers = [(200, typeof(SecretsBody)), (304, null)],
        MoreProblems = [404, 412],
        Parameters = [IfMatch, IfNoneMatch],
        HasETag = true,
    };

    public static AdminRouteDoc GetSecret { get; } = new("getSecret", Secrets, "Reads a secret's metadata.")
    {
        Answers = [(200, typeof(SecretBody)), (304, null)],
        MoreProblems = [404, 412],
        Parameters = [IfMatch, IfNoneMatch],
        HasETag = true,
    };

    public static AdminRouteDoc RevokeSecret { get; } = new("revokeSecret", Secrets, "Revokes a secret.")
    {
        Answers = [(204, null)],
        MoreProblems = [404, 409, 412],
        Parameters = [new AdminParameter("force", "boolean", "Also when it is the client's last valid secret."), IfMatch],
    };

    public static AdminRouteDoc ClientUsage { get; } = new("getClientUsage", Reports, "What a client got and was refused, by hour or day.")
    {
        Answers = [(200, typeof(ClientUsageBody))],
        MoreProblems = [404],
        Parameters = [From, To, new AdminParameter("bucket", "string", "By hour unless given.") { Values = ["hour", "day"] }],
    };

    public static AdminRouteDoc Unused { get; } = new("getUnusedReport", Reports, "Clients, scopes and secrets that nothing used.")
    {
        Answers = [(200, typeof(UnusedReportBody))],
        Parameters =
        [
            new AdminParameter("days", "integer", "Neither used nor made for so many days; 90 unless given.") { Min = 0, Max = 3_650 },
            new AdminParameter("after", "string", "What the page before gave as its next."),
            Limit,
        ],
    };

    public static AdminRouteDoc Expiring { get; } = new("getExpiringReport", Reports, "Secrets and signing keys that run out, the soonest first.")
    {
        Answers = [(200, typeof(ExpiringReportBody))],
        Parameters =
        [
            new AdminParameter("days", "integer", "Within so many days; 30 unless given.") { Min = 0, Max = 3_650 },
            new AdminParameter("after", "string", "What the page before gave as its next."),
            Limit,
        ],
    };

    public static AdminRouteDoc Usage { get; } = new("getUsageReport", Reports, "Which clients use the capacity, most first.")
    {
        Answers = [(200, typeof(UsageReportBody))],
        Parameters = [From, To, new AdminParameter("order", "string", "By tokens issued unless given.") { Values = ["issued", "refused"] }, Limit],
    };

    public static AdminRouteDoc Audit { get; } = new("listAudit", Reports, "Who did what and when, from where; newest first.")
    {
        Answers = [(200, typeof(AuditPageBody))],
        Parameters =
        [
            new AdminParameter("client", "string", "Only what was done to this client and its secrets."),
            new AdminParameter("after", "string", "What the page before gave as its next."),
            Limit,
        ],
    };
}
