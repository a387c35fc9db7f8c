using AuthCluster.Contracts.Cluster;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Keys;

/// <summary>Tells every living silo of a raised floor, and knows when all of them have taken it over.</summary>
/// <remarks>
/// A silo that does not answer is asked again until it does or the membership says that it is dead, which takes
/// as long as failure detection does. One that becomes active later reads the floor from storage then.
/// </remarks>
internal sealed partial class FloorBroadcast(IMembershipTable membership, KeyFollowerClient silos, TimeProvider clock, ILogger<FloorBroadcast> logger)
{
    // Longer than it takes until a silo that hangs is declared dead, shorter than the time-out of a call.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks all of them.</summary>
    /// <returns>False when the deadline passed first: the floor is raised, but some silo may not know it yet.</returns>
    public async Task<bool> TellAllAsync(long raised, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var told = new HashSet<SiloAddress>();
        while (true)
        {
            // From the table itself: the silo's own view may be a second old.
            var missing = (await membership.ReadAllAsync(cancellationToken)).Members
                .Where(member => member.Item1.Status is SiloStatus.Active or SiloStatus.ShuttingDown or SiloStatus.Stopping)
                .Select(member => member.Item1.SiloAddress)
                .Where(silo => !told.Contains(silo))
                .ToList();
            var answers = await Task.WhenAll(missing.Select(silo => TellAsync(silo, raised, cancellationToken)));
            told.UnionWith(missing.Where((_, i) => answers[i]));
            if (answers.All(answered => answered))
            {
                return true;
            }

            if (clock.GetElapsedTime(started) > Deadline)
            {
                return false;
            }

            await Task.Delay(AskAgainAfter, clock, cancellationToken);
        }
    }

    private async Task<bool> TellAsync(SiloAddress silo, long raised, CancellationToken cancellationToken)
    {
        try
        {
            await silos.Of(silo).AdoptFloorAsync(raised).WaitAsync(AnswerWithin, clock, cancellationToken);
            return true;
        }
        catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
        {
            LogNotTold(silo.ToString(), e.GetType().Name);
            return false;
        }
    }

    [LoggerMessage(1211, LogLevel.Warning, "Silo {Silo} has not acknowledged the raised floor yet ({Reason}).")]
    private partial void LogNotTold(string silo, string reason);
}
