using System.Collections.Concurrent;
using Xunit;

namespace AuthCluster.TestKit;

/// <summary>A program or package that a test drives and that a bare machine may lack.</summary>
/// <remarks>
/// Without it a test says so and is skipped; under <c>CI=true</c> it fails instead, because there the run promises that nothing is skipped.
/// </remarks>
public static class RequiredTool
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<bool>>> Known = new(StringComparer.Ordinal);

    private static bool MustHaveAll => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>Skips the test (fails it in CI) unless <c>command arguments</c> runs and exits with 0; <paramref name="package"/> is what to install.</summary>
    public static async Task NeedAsync(string package, string command, params string[] arguments)
    {
        var question = string.Join('\0', [command, .. arguments]);
        var answer = Known.GetOrAdd(question, _ => new Lazy<Task<bool>>(() => RunsAsync(command, arguments)));
        if (!await answer.Value)
        {
            Miss($"{package} (asked for by: {command} {string.Join(' ', arguments)})");
        }
    }

    /// <summary>Skips the test, or fails it in CI, because <paramref name="what"/> is missing on this machine.</summary>
    public static void Miss(string what)
    {
        var reason = $"This test needs {what}, which this machine lacks.";
        if (MustHaveAll)
        {
            Assert.Fail(reason);
        }

        Assert.Skip(reason);
    }

    private static async Task<bool> RunsAsync(string command, string[] arguments)
    {
        try
        {
            var result = await Command.RunAsync(command, arguments);
            return result.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
