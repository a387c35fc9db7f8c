using AuthCluster.Server.Commands;
using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;
using AuthCluster.Server.Telemetry;

namespace AuthCluster.Server;

internal static class Program
{
    private const int Refused = 1;

    private static async Task<int> Main(string[] args)
    {
        try
        {
            return CommandLine.IsCommand(args) ? await CommandLine.RunAsync(args) : await ServerHost.RunAsync(args);
        }
        catch (StartupException e)
        {
            return await RefuseAsync(e.Problems);
        }
#pragma warning disable CA1031 // Whoever starts the server reads one sentence, whatever went wrong.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return await RefuseAsync(StartFailure.LinesOf(e));
        }
    }

    private static async Task<int> RefuseAsync(IReadOnlyList<string> problems)
    {
        await ServerConsole.TellAsync(problems);
        return Refused;
    }
}
