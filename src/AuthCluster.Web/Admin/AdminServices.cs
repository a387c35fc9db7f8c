using AuthCluster.Protocol.Json;

namespace AuthCluster.Web.Admin;

/// <summary>What a client gets where its document is silent, as far as documents are checked against it.</summary>
/// <param name="TokenLifetimeSeconds">Seconds from issue to expiry.</param>
public sealed record AdminDefaults(int TokenLifetimeSeconds);

/// <summary>What the admin endpoints share.</summary>
internal sealed record AdminServices(
    AdminAuthority Authority,
    IdempotentChoices Choices,
    SecretWork Secrets,
    ClientPatching Patching,
    AdminDefaults Defaults,
    TimeProvider Clock)
{
    /// <summary>The time to the millisecond, so that every table and document keeps it alike.</summary>
    public DateTimeOffset Now() => Rfc3339.ToMillisecond(Clock.GetUtcNow());
}
