using System.Diagnostics;

namespace AuthCluster.Benchmarks.Load;

/// <summary>What one server did in one turn.</summary>
/// <param name="TokensPerSecond">Tokens issued, by the wall clock.</param>
/// <param name="ProcessorMicroseconds">Processor time of the server's process for each token, of user and kernel together.</param>
internal sealed record Measurement(double TokensPerSecond, double ProcessorMicroseconds)
{
    /// <summary>Drives a server for a turn; fails when any request was not answered by a token.</summary>
    public static async Task<Measurement> TakeAsync(LoadDriver driver, LoadTarget target, LoadOptions options, TimeSpan duration)
    {
        using var process = Process.GetProcessById(target.ProcessId);
        var before = process.TotalProcessorTime;
        var result = await driver.DriveAsync(target.Address, target.Forms, options.Callers, duration);
        process.Refresh();
        var used = process.TotalProcessorTime - before;
        if (result.Failures > 0 || result.Tokens == 0)
        {
            throw new InvalidOperationException($"{target.Name}: {result.Tokens} tokens and {result.Failures} failures.");
        }

        return new Measurement(result.Tokens / duration.TotalSeconds, used.TotalMicroseconds / result.Tokens);
    }
}

/// <summary>A running server and what is asked of it.</summary>
internal sealed record LoadTarget(string Name, Uri Address, int ProcessId, IReadOnlyList<string> Forms);
