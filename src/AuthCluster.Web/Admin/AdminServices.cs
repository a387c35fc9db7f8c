namespace AuthCluster.Web.Admin;

/// <summary>What a client gets where its document is silent, as far as documents are checked against it.</summary>
/// <param name="TokenLifetimeSeconds">Seconds from issue to expiry.</param>
public sealed record AdminDefaults(int TokenLifetimeSeconds);

/// <summary>What the admin endpoints share.</summary>
internal sealed record AdminServices(
    AdminGate Gate,
    AdminAuthority Authority,
    IdempotentChoices Choices,
    SecretWork Secrets,
    ClientPatching Patching,
    AdminDefaults Defaults,
    TimeProvider Clock)
{
    /// <summary>The time to the millisecond, so that every table and document keeps it alike.</summary>
    public DateTimeOffset Now()
    {
        var now = Clock.GetUtcNow();
        return now.AddTicks(-(now.UtcTicks % TimeSpan.TicksPerMillisecond));
    }
}
