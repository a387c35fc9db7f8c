using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Grains.Time;
using AuthCluster.Grains.Usage;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Grains.Clients;

/// <summary>The services that the client activations of a silo share.</summary>
internal sealed record ClientGrainServices(
    ClientRecordStore Records,
    AuditStore Audit,
    CatalogueStore Catalogue,
    RevocationStore Revocations,
    StorageGate Gate,
    UsageBook Usage,
    SiloActivity Activity,
    PepperRing Peppers,
    GenerationFloor Floor,
    SiloRights Rights,
    ConfirmWrite ConfirmWrite,
    ClientDefaults Defaults,
    TrustedClock TrustedClock,
    TimeProvider Clock)
{
    /// <summary>The time by which expired data may be deleted; null while it is in doubt, or while storage does not answer.</summary>
    public async Task<DateTimeOffset?> TrustedNowAsync()
    {
        try
        {
            return await TrustedClock.NowAsync(CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            return null;
        }
    }
}

/// <summary>What a client gets when its document says nothing.</summary>
/// <param name="Issuer">The issuer, <c>iss</c>.</param>
/// <param name="DefaultAudience">The audience of a client that has none.</param>
/// <param name="TokenLifetimeSeconds">The token lifetime in seconds.</param>
public sealed record ClientDefaults(string Issuer, string DefaultAudience, int TokenLifetimeSeconds);
