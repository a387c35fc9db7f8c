using AuthCluster.Grains.Fencing;
using AuthCluster.Web.Keys;

namespace AuthCluster.Server.Startup;

/// <summary>A silo may sign and judge tokens while it may decide.</summary>
internal sealed class SiloSigningRight(SiloRights rights, TimeProvider clock) : ISigningRight
{
    public bool Holds => rights.MayDecide;

    public async ValueTask<bool> WaitAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        try
        {
            return await rights.WaitAsync().WaitAsync(within > TimeSpan.Zero ? within : TimeSpan.Zero, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return rights.MayDecide;
        }
    }
}
