using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;

namespace AuthCluster.Storage.Admin;

/// <summary>A row of the audit. Never holds secret material.</summary>
/// <param name="Record">
/// Who did what to what, when and from where. Its id is unique and chosen before the change is written, so that a repeat is written once; at
/// most 64 characters.
/// </param>
/// <param name="ClientId">The client that was touched, itself or by one of its secrets; empty when none was.</param>
public sealed record AuditEntry(AuditRecord Record, string ClientId = "")
{
    /// <summary>The entry of an action on something else than a client.</summary>
    /// <param name="actor">Who acts; the entry has the id that was chosen for it.</param>
    /// <param name="action">The action.</param>
    /// <param name="target">On what.</param>
    /// <param name="at">When.</param>
    public static AuditEntry Of(ActorRecord actor, string action, string target, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(actor);
        return new AuditEntry(new AuditRecord
        {
            AuditId = actor.AuditId,
            At = at,
            Actor = actor.Actor,
            Action = action,
            Target = target,
            RemoteAddress = actor.RemoteAddress,
            RequestId = actor.RequestId,
        });
    }
}
