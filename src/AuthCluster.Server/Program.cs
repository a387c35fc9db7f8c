using AuthCluster.Server.Commands;
using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;

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
        catch (Exception e) when (StartFailure.SentenceOf(e) is { } sentence)
        {
            return await RefuseAsync([sentence]);
        }
    }

    private static async Task<int> RefuseAsync(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
        {
            await Console.Error.WriteLineAsync(problem);
        }

        return Refused;
    }
}
