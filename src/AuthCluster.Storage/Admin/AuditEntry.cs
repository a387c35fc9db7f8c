using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Admin;

/// <summary>A row of the audit. Never holds secret material.</summary>
/// <param name="Record">
/// Who did what to what, when and from where. Its id is unique and chosen before the change is written, so that a repeat is written once; at
/// most 64 characters.
/// </param>
/// <param name="ClientId">The client that was touched, itself or by one of its secrets; empty when none was.</param>
public sealed record AuditEntry(AuditRecord Record, string ClientId = "");
