using System.Diagnostics;
using System.Text;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Logs;

/// <summary>A console that nobody reads: a pipe that is full, as behind a log collector that hangs.</summary>
[Collection(Alone.Name)]
public sealed class StalledConsoleTests
{
    /// <summary>More lines than the server queues for its console, which are 2,500.</summary>
    private const int Requests = 3_500;

    private static readonly TestClient Client = new("orders", GeneratedSecret.New());
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("simple", "")]
    [InlineData("json", "")]
    [InlineData("systemd", "")]
    [InlineData("simple", "Debug")]
    public async Task Tokens_are_issued_while_nobody_reads_the_log_and_the_log_says_what_it_lost(string formatter, string everything)
    {
        await using var server = new ServerProcess
        {
            ["Logging:Console:FormatterName"] = formatter,
            ["Logging:LogLevel:Default"] = everything,
            // An operator's own queue settings must not make requests wait for the console again.
            ["Logging:Console:QueueFullMode"] = "Wait",
        };
        using var console = await StalledConsole.BeforeAsync(server);
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        // As an argument, because the shell that starts the server passes on no variable with a dot in its name.
        await server.StartAsync(Cancellation, "--Logging:LogLevel:AuthCluster.Issuance=Debug");
        using var caller = new TokenEndpointCaller(server.Address);

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancellation }, async (i, _) =>
        {
            if (i % 20 == 0)
            {
                Expect.Refused(401, "invalid_client", await caller.PostAsync(Client with { Secret = "wrong" }));
            }
            else
            {
                Expect.Granted(await caller.PostAsync(Client));
            }
        });
        await Eventually.HoldsAsync(
            "the metrics count what was dropped", Soon, async () => (await caller.Http.GetStringAsync("/metrics", Cancellation)).Split('\n').Any(line =>
                line.StartsWith("authcluster_log_dropped", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal)), Cancellation);

        console.Read();
        await Eventually.HoldsAsync("the log says how many lines it lost", Soon, () => console.Text.Contains("lines were dropped here", StringComparison.Ordinal), Cancellation);
        Assert.Equal(0, await server.StopAsync(Cancellation));
    }

    [Fact]
    public async Task A_console_that_refuses_every_write_does_not_stop_the_server()
    {
        await using var server = new ServerProcess();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        // The descriptor is open for reading only, so every write fails; .NET reports that by an exception that is no IOException.
        server.Prefix = ["sh", "-c", "exec \"$@\" 1</dev/null 2<&1", "sh"];
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);

        Expect.Refused(401, "invalid_client", await caller.PostAsync(Client with { Secret = "wrong" }));
        await Eventually.HoldsAsync(
            "the metrics count what was lost", Soon, async () => (await caller.Http.GetStringAsync("/metrics", Cancellation)).Split('\n').Any(line =>
                line.StartsWith("authcluster_log_dropped", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal)), Cancellation);

        Expect.Granted(await caller.PostAsync(Client));
        Assert.Equal(0, await server.StopAsync(Cancellation));
    }

    [Fact]
    public async Task A_first_start_whose_console_nobody_reads_gets_ready_and_shows_its_credentials_later()
    {
        await using var server = new ServerProcess { ["DOTNET_ENVIRONMENT"] = "Development" };
        using var console = await StalledConsole.BeforeAsync(server);
        await server.StartAsync(Cancellation);

        console.Read();

        await Eventually.HoldsAsync("the credentials are shown", Soon, () => console.Text.Contains("client_secret=acs_", StringComparison.Ordinal), Cancellation);
        Assert.Equal(0, await server.StopAsync(Cancellation));
    }

    [Fact]
    public async Task A_stop_and_a_refused_start_end_though_nobody_reads_the_console()
    {
        await using var server = new ServerProcess();
        using var console = await StalledConsole.BeforeAsync(server);
        await server.StartAsync(Cancellation);
        var start = Stopwatch.GetTimestamp();

        Assert.Equal(0, await server.StopAsync(Cancellation));
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(30));

        server["AuthCluster:Issuer"] = "nonsense";
        Assert.Equal(1, await server.RunToExitAsync(Cancellation));
    }

    /// <summary>A full named pipe as standard output and standard error of a server.</summary>
    private sealed class StalledConsole : IDisposable
    {
        // The default capacity of a pipe on Linux.
        private const int PipeBytes = 65_536;

        private readonly FileStream _pipe;
        private readonly StringBuilder _text = new();
        private readonly Lock _lock = new();

        private StalledConsole(FileStream pipe) => _pipe = pipe;

        public string Text
        {
            get
            {
                lock (_lock)
                {
                    return _text.ToString();
                }
            }
        }

        public static async Task<StalledConsole> BeforeAsync(ServerProcess server)
        {
            var path = server.WriteFile("console", "");
            File.Delete(path);
            (await Command.RunAsync("mkfifo", path)).OutputOrThrow();
            server.Prefix = ["sh", "-c", "pipe=$1; shift; exec \"$@\" 1<>\"$pipe\" 2>&1", "sh", path];
            var pipe = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            await pipe.WriteAsync(new byte[PipeBytes], Cancellation);
            return new StalledConsole(pipe);
        }

        /// <summary>Reads the pipe from now on.</summary>
        public void Read() => new Thread(() =>
        {
            var buffer = new byte[16_384];
            try
            {
                while (_pipe.Read(buffer) is > 0 and var read)
                {
                    lock (_lock)
                    {
                        _text.Append(Encoding.UTF8.GetString(buffer, 0, read));
                    }
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The test is over.
            }
        })
        { IsBackground = true }.Start();

        public void Dispose() => _pipe.Dispose();
    }
}
