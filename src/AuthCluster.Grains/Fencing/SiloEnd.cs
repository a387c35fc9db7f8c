namespace AuthCluster.Grains.Fencing;

/// <summary>The end of a silo that the others have declared dead, before its process ends.</summary>
public sealed class SiloEnd
{
    private readonly SiloRights _rights;
    private readonly FenceDuties _duties;

    internal SiloEnd(SiloRights rights, FenceDuties duties) => (_rights, _duties) = (rights, duties);

    /// <summary>
    /// Decides nothing any more, and says so to the others when the last lease has run out. Silos that can't reach this one would wait for the outage
    /// grace otherwise.
    /// </summary>
    public Task TellAsync(CancellationToken cancellationToken)
    {
        _rights.Mandate.Stop();
        return _duties.EndAsync(cancellationToken);
    }
}
