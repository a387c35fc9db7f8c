using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthCluster.Web.Admin;

// The bodies that the admin API answers with, member by member. Times are UTC; a member that is null is left out.

/// <summary>A secret that was added: the only answer that shows it.</summary>
/// <param name="SecretId">The secret's id.</param>
/// <param name="Secret">The secret itself, this once.</param>
/// <param name="Label">Its label.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="NotBefore">When it starts to be valid.</param>
/// <param name="ExpiresAt">When it expires.</param>
public sealed record AddedSecretBody(
    string SecretId, string Secret, string? Label, DateTime CreatedAt, DateTime? NotBefore, DateTime? ExpiresAt)
{
    /// <summary>Prints nothing of the secret.</summary>
    public override string ToString() => $"AddedSecretBody({SecretId})";
}

/// <summary>A secret's metadata.</summary>
/// <param name="SecretId">The secret's id.</param>
/// <param name="Kind"><c>generated</c>, <c>given</c> or <c>imported</c>.</param>
/// <param name="Label">Its label.</param>
/// <param name="CreatedAt">When it was added.</param>
/// <param name="NotBefore">When it starts to be valid.</param>
/// <param name="ExpiresAt">When it expires.</param>
/// <param name="LastUsedAt">When it was last used, to the minute.</param>
public sealed record SecretBody(
    string SecretId, string Kind, string? Label, DateTime CreatedAt, DateTime? NotBefore, DateTime? ExpiresAt, DateTime? LastUsedAt);

/// <summary>A client's secrets.</summary>
/// <param name="Items">The secrets, oldest first.</param>
public sealed record SecretsBody(IReadOnlyList<SecretBody> Items);

/// <summary>An entry of the audit: who did what to what, when and from where.</summary>
/// <param name="Id">The entry's id.</param>
/// <param name="At">When it was done.</param>
/// <param name="Actor">The client id of the token, or <c>system:…</c>.</param>
/// <param name="Action">What was done, such as <c>client.disable</c>.</param>
/// <param name="Target">What it was done to.</param>
/// <param name="RemoteAddress">The caller's address.</param>
/// <param name="RequestId">The request's id, as the log has it.</param>
/// <param name="Before">The client document or the secret's metadata before the change.</param>
/// <param name="After">The same after the change.</param>
public sealed record AuditBody(
    string Id,
    DateTime At,
    string Actor,
    string Action,
    string Target,
    string? RemoteAddress,
    string? RequestId,
    JsonElement? Before,
    JsonElement? After);

/// <summary>A page of the audit, newest first.</summary>
/// <param name="Items">The entries.</param>
/// <param name="Next">The value of <c>after</c> for the next page; absent on the last page.</param>
public sealed record AuditPageBody(IReadOnlyList<AuditBody> Items, string? Next);

/// <summary>The sums of a window of usage, or of one hour or day of it.</summary>
/// <param name="Issued">Tokens.</param>
/// <param name="Refused">Refusals by error code.</param>
public sealed record UsageTotalsBody(long Issued, IReadOnlyDictionary<string, long> Refused);

/// <summary>One hour or day of a client's usage.</summary>
/// <param name="Start">Its start.</param>
/// <param name="Issued">Tokens.</param>
/// <param name="Refused">Refusals by error code.</param>
public sealed record UsageBucketBody(DateTime Start, long Issued, IReadOnlyDictionary<string, long> Refused);

/// <summary>A client's usage in a window.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="From">The start of the window.</param>
/// <param name="To">Its end.</param>
/// <param name="Bucket"><c>hour</c> or <c>day</c>.</param>
/// <param name="Totals">The sums.</param>
/// <param name="Items">Every bucket of the window, the empty ones too.</param>
/// <param name="LastUsedAt">When the client last got a token, to the minute.</param>
public sealed record ClientUsageBody(
    string ClientId,
    DateTime From,
    DateTime To,
    string Bucket,
    UsageTotalsBody Totals,
    IReadOnlyList<UsageBucketBody> Items,
    DateTime? LastUsedAt);

/// <summary>One client of the usage report.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Issued">Tokens that it got.</param>
/// <param name="Refused">Requests that were refused.</param>
public sealed record UsageReportItemBody(string ClientId, long Issued, long Refused);

/// <summary>The clients that used the most in a window.</summary>
/// <param name="From">The start of the window.</param>
/// <param name="To">Its end.</param>
/// <param name="Order"><c>issued</c> or <c>refused</c>.</param>
/// <param name="Items">The clients, the largest number first.</param>
public sealed record UsageReportBody(DateTime From, DateTime To, string Order, IReadOnlyList<UsageReportItemBody> Items);

/// <summary>A client, scope or secret that was not used.</summary>
/// <param name="ClientId">The client.</param>
/// <param name="Kind"><c>client</c>, <c>scope</c> or <c>secret</c>.</param>
/// <param name="Value">The scope or the secret's id; absent for the client itself.</param>
/// <param name="Label">The secret's label.</param>
/// <param name="CreatedAt">Since when it exists.</param>
/// <param name="LastUsedAt">When it was last used; absent for never.</param>
public sealed record UnusedBody(
    string ClientId, string Kind, string? Value, string? Label, DateTime CreatedAt, DateTime? LastUsedAt);

/// <summary>A page of clients, scopes and secrets that were not used.</summary>
/// <param name="Items">The clients, scopes and secrets.</param>
/// <param name="Next">The value of <c>after</c> for the next page; absent on the last page.</param>
public sealed record UnusedReportBody(IReadOnlyList<UnusedBody> Items, string? Next);

/// <summary>A secret or key that expires.</summary>
/// <param name="Kind"><c>secret</c> or <c>key</c>.</param>
/// <param name="ClientId">The client of a secret.</param>
/// <param name="SecretId">The secret's id.</param>
/// <param name="Label">The secret's label.</param>
/// <param name="Owner">The owner of the client.</param>
/// <param name="Enabled">Whether the client is enabled.</param>
/// <param name="Kid">The key's id.</param>
/// <param name="ExpiresAt">When it expires.</param>
public sealed record ExpiringBody(
    string Kind,
    string? ClientId,
    string? SecretId,
    string? Label,
    string? Owner,
    bool? Enabled,
    string? Kid,
    DateTime ExpiresAt);

/// <summary>A page of secrets and keys that expire, the soonest first.</summary>
/// <param name="Items">The secrets and keys.</param>
/// <param name="Next">The value of <c>after</c> for the next page; absent on the last page.</param>
public sealed record ExpiringReportBody(IReadOnlyList<ExpiringBody> Items, string? Next);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProblemBody))]
[JsonSerializable(typeof(AddedSecretBody))]
[JsonSerializable(typeof(SecretsBody))]
[JsonSerializable(typeof(AuditPageBody))]
[JsonSerializable(typeof(ClusterBody))]
[JsonSerializable(typeof(ClientUsageBody))]
[JsonSerializable(typeof(UsageReportBody))]
[JsonSerializable(typeof(UnusedReportBody))]
[JsonSerializable(typeof(ExpiringReportBody))]
[JsonSerializable(typeof(UnusedCursor))]
[JsonSerializable(typeof(ExpiringCursor))]
internal sealed partial class AdminJson : JsonSerializerContext;
