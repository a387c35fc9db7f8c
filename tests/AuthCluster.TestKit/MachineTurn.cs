using System.Diagnostics;

namespace AuthCluster.TestKit;

/// <summary>
/// The machine's turn: of the test assemblies that have it as a fixture, one runs at a time. <c>dotnet test</c> starts assemblies side
/// by side, and assemblies that measure time or kill processes would disturb each other's measurements.
/// </summary>
public sealed class MachineTurn : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(45);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    private readonly FileStream _lock;

    /// <summary>Waits for the turn. It ends with the process at the latest.</summary>
    /// <exception cref="TimeoutException">Other assemblies had the turn for three quarters of an hour.</exception>
    public MachineTurn()
    {
        var path = Path.Combine(Path.GetTempPath(), $"authcluster-tests-{Environment.UserName}.lock");
        var start = Stopwatch.GetTimestamp();
        FileStream? taken;
        while (!TryTake(path, out taken))
        {
            if (Stopwatch.GetElapsedTime(start) > Deadline)
            {
                throw new TimeoutException($"Other tests still hold {path}.");
            }

            Thread.Sleep(Step);
        }

        _lock = taken;
    }

    /// <summary>Gives the turn to the next assembly.</summary>
    public void Dispose() => _lock.Dispose();

    private static bool TryTake(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out FileStream? taken)
    {
        try
        {
            taken = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            taken = null;
            return false;
        }
    }
}
