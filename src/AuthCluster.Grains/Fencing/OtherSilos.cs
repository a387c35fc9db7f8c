namespace AuthCluster.Grains.Fencing;

/// <summary>The other silos, as one sees them that may not decide.</summary>
public sealed class OtherSilos
{
    private readonly FenceClient _silos;
    private readonly IClusterMembershipService _members;
    private readonly ILocalSiloDetails _self;

    internal OtherSilos(FenceClient silos, IClusterMembershipService members, ILocalSiloDetails self) =>
        (_silos, _members, _self) = (silos, members, self);

    /// <summary>
    /// Whether one of them may decide and reaches the database: it would serve the clients of this silo if this one were not there. One that
    /// may decide only since its outage grace lasts would not, since it can't read the clients' rows.
    /// </summary>
    public async Task<bool> OneReadsAsync()
    {
        var active = _members.CurrentSnapshot.Members.Values
            .Where(member => member.Status == SiloStatus.Active && !member.SiloAddress.Equals(_self.SiloAddress));
        return (await Task.WhenAll(active.Select(member => _silos.ReadsAsync(member.SiloAddress.ToString())))).Contains(true);
    }
}
