using AuthCluster.Server.Commands;
using AuthCluster.Server.Startup;
using AuthCluster.Server.Telemetry;

namespace AuthCluster.Server;

internal static class Program
{
    private const int Refused = 1;

    /// <summary>Runs a command, or the server until it is stopped.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="clock">The clock of all that runs in a server.</param>
    /// <param name="stop">Stops a server, as SIGTERM does.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args, TimeProvider clock, CancellationToken stop)
    {
        try
        {
            return CommandLine.IsCommand(args) ? await CommandLine.RunAsync(args) : await ServerHost.RunAsync(args, clock, stop);
        }
#pragma warning disable CA1031 // Whoever starts the server reads one sentence, whatever went wrong.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await ServerConsole.TellAsync(StartFailure.LinesOf(e));
            return Refused;
        }
    }

    private static Task<int> Main(string[] args) => RunAsync(args, TimeProvider.System, CancellationToken.None);
}
