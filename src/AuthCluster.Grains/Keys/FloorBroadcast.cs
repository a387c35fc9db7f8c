using AuthCluster.Contracts.Cluster;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Keys;

/// <summary>Tells each silo that is not dead of a raised floor, until all have confirmed it.</summary>
/// <remarks>
/// A silo that does not answer is asked again until it answers, or until the membership table calls it dead (failure detection takes
/// seconds). A silo that becomes active later reads the floor from storage.
/// </remarks>
internal sealed partial class FloorBroadcast(IMembershipTable membership, KeyFollowerClient silos, TimeProvider clock, ILogger<FloorBroadcast> logger)
{
    // Longer than failure detection needs for a silo that hangs, shorter than the time-out of a grain call.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>Tells all silos.</summary>
    /// <returns>False when the deadline passed first: the floor is raised, but some silos may not know it yet.</returns>
    public async Task<bool> TellAllAsync(long raised, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var told = new HashSet<SiloAddress>();
        while (true)
        {
            // Read the table: this silo's own view of the membership may be a second old.
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
            await silos.Of(silo).AdoptFloorAsync(raised).WaitAsync(MaxAnswerTime, clock, cancellationToken);
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
