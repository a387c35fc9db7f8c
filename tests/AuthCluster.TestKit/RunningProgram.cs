using System.Diagnostics;

namespace AuthCluster.TestKit;

/// <summary>A program that runs beside the test: a service that listens at an address. Disposing kills it with all its children.</summary>
public sealed class RunningProgram : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly PrintedText _output = new();
    private readonly Process _process;
    private readonly Task _pumps;

    private RunningProgram(ProcessStartInfo start, Uri address)
    {
        Address = address;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        _process.StandardInput.Close();
        _pumps = Task.WhenAll(_output.PumpAsync(_process.StandardOutput), _output.PumpAsync(_process.StandardError));
        // A test run that is cut short must not leave the program behind.
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    /// <summary>The address that the program listens at.</summary>
    public Uri Address { get; }

    /// <summary>All that it has printed, standard output and standard error together.</summary>
    public string Output => _output.ToString();

    /// <summary>
    /// Starts a program and returns as soon as <paramref name="address"/> gives any answer. If the program ends or the deadline passes
    /// first, fails with everything that the program printed.
    /// </summary>
    public static async Task<RunningProgram> StartAsync(ProcessStartInfo start, Uri address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(start);
        var program = new RunningProgram(start, address);
        try
        {
            using var http = new HttpClient { BaseAddress = address, Timeout = StartDeadline };
            await Eventually.HoldsAsync($"{start.FileName} answers at {address}", StartDeadline, () => program.AnswersAsync(http, cancellationToken), cancellationToken);
            return program;
        }
        catch (Exception failed)
        {
            await program.DisposeAsync();
            throw new InvalidOperationException($"{failed.Message}\n{program.Output}", failed);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        await _pumps;
        _process.Dispose();
        await _output.DisposeAsync();
    }

    private async Task<bool> AnswersAsync(HttpClient http, CancellationToken cancellationToken)
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"It ended with {_process.ExitCode}.");
        }

        try
        {
            using var answer = await http.GetAsync("/", cancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }
}
