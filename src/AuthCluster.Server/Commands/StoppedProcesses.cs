using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Server.Commands;

/// <summary>The condition of the commands that change what running processes hold in memory: that none runs.</summary>
internal static class StoppedProcesses
{
    // Three of the heartbeats that a silo writes.
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(15);

    /// <summary>Makes sure of it, for as long as what is returned is held where that can be had; forced, finds out only.</summary>
    /// <exception cref="StartupException">A process runs, or the schema is not this build's.</exception>
    public static async Task<(IDisposable? Exclusive, bool SomeRun)> RequireAsync(CommandRun run, string command)
    {
        var exclusive = run.Force ? null : SiloPreparation.TakeLock(run.Database);
        try
        {
            if ((await run.WhenReachableAsync(() => run.Migrator.StatusAsync())).Any(script => !script.Applied))
            {
                throw new StartupException($"The database's schema is not current; run 'db migrate' first, then '{command}'.");
            }

            var membership = new MembershipStore(run.Database);
            var living = await membership.CountLivingAsync(run.Clock.GetUtcNow() - Lately);
            var sessions = await membership.CountSessionsAsync();
            var someRun = living > 0 || sessions > 0;
            if (someRun && !run.Force)
            {
                throw new StartupException(
                    $"'{command}' needs every process stopped, but {Count(living, "silo has lately said that it lives", "silos have lately said that they live")} and {Count(sessions, "session is", "sessions are")} open on the database; stop them, wait {Lately.TotalSeconds} seconds, or use --force.");
            }

            return (exclusive, someRun);
        }
        catch
        {
            exclusive?.Dispose();
            throw;
        }
    }

    private static string Count(int count, string one, string several) => count == 1 ? $"1 {one}" : $"{count} {several}";
}
