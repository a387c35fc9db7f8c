using System.Diagnostics;

namespace AuthCluster.TestKit;

/// <summary>What a finished program printed and how it ended.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Returns standard output if the program ended with 0; otherwise throws an exception that holds everything it printed.</summary>
    public string OutputOrThrow() => ExitCode == 0
        ? Output
        : throw new InvalidOperationException($"The program ended with {ExitCode}.\n{Output}\n{Error}");
}

/// <summary>Runs another program to its end.</summary>
public static class Command
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    /// <summary>Runs a program with no standard input.</summary>
    public static Task<CommandResult> RunAsync(string command, params string[] arguments) =>
        RunAsync(new ProcessStartInfo(command, arguments), CancellationToken.None);

    /// <summary>Runs what <paramref name="start"/> describes; its process tree is killed at the deadline or when cancelled.</summary>
    public static async Task<CommandResult> RunAsync(ProcessStartInfo start, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(start);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return new CommandResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{start.FileName} {string.Join(' ', start.ArgumentList)} did not end within {Deadline.TotalSeconds} s.");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
