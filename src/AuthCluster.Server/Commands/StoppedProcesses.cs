using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Server.Commands;

/// <summary>Makes sure that no process runs, for commands that change what running processes hold in memory.</summary>
internal static class StoppedProcesses
{
    // Three times the interval at which a silo writes its heartbeat to the membership table.
    private static readonly TimeSpan HeartbeatWindow = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Refuses the command while a process runs. With a SQLite file, the lock that it returns keeps other processes out. With --force it only
    /// finds out whether a process runs.
    /// </summary>
    /// <exception cref="StartupException">A process runs, or the schema is not current.</exception>
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
            var living = await membership.CountLivingAsync(run.Clock.GetUtcNow() - HeartbeatWindow);
            var sessions = await membership.CountSessionsAsync();
            var someRun = living > 0 || sessions > 0;
            if (someRun && !run.Force)
            {
                throw new StartupException(
                    $"'{command}' needs every process stopped, but {Count(living, "silo has lately said that it lives", "silos have lately said that they live")} and {Count(sessions, "session is", "sessions are")} open on the database; stop them, wait {HeartbeatWindow.TotalSeconds} seconds, or use --force.");
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
