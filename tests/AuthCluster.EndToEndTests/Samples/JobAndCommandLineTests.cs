using AuthCluster.EndToEndTests.Peers;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Samples;

/// <summary>The nightly jobs and <c>my-cli</c>.</summary>
[Collection(WithSamples.Name)]
public sealed class JobAndCommandLineTests(SamplesServer server) : IDisposable
{
    private const string Anything = "not-the-secret-of-anybody";

    private readonly TemporaryFolder _home = new();

    private string CredentialsFile => _home.PathOf("my-cli/credentials.json");

    [Fact]
    public async Task The_nightly_job_fetches_processes_and_stores()
    {
        var done = await JobAsync(SamplesServer.Worker);

        Assert.Equal("Processed 3 resources", done.OutputOrThrow().Trim());
    }

    [Fact]
    public async Task The_nightly_job_takes_its_secret_from_a_file()
    {
        var file = _home.Write("secret", SamplesServer.Worker.Secret + "\n");

        var done = await JobAsync(SamplesServer.Worker, ("CLIENT_SECRET", null), ("CLIENT_SECRET_FILE", file));

        Assert.Equal("Processed 3 resources", done.OutputOrThrow().Trim());
    }

    [Fact]
    public async Task The_nightly_job_tells_its_scheduler_whether_another_try_is_worth_it()
    {
        var unreachable = JobAsync(SamplesServer.Worker, ("AUTH_ISSUER", "http://localhost:9")); // It tries for some twenty seconds.
        var refused = await JobAsync(SamplesServer.Worker with { Secret = Anything });

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("invalid_client", refused.Error, StringComparison.Ordinal);
        Assert.Equal(75, (await unreachable).ExitCode);
    }

    [Fact]
    public async Task The_nightly_job_in_Python_fetches_processes_and_stores()
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");

        var done = await server.RunAsync(SamplesServer.Worker, "python", Scripts.Python, ["nightly_batch_job.py"]);

        Assert.Equal("Processed 3 resources", done.OutputOrThrow().Trim());
    }

    [Fact]
    public async Task My_cli_logs_in_and_lists_resources_as_the_document_shows()
    {
        var login = await CliAsync(SamplesServer.MyCli, "login");
        var list = await CliAsync(SamplesServer.MyCli, "list-resources");

        Assert.Equal(["Authenticating...", "✓ Authenticated successfully"], login.OutputOrThrow().TrimEnd().Split('\n'));
        Assert.Equal(["Fetching resources...", "- Resource 1", "- Resource 2", "- Resource 3"], list.OutputOrThrow().TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Only_their_owner_can_read_the_credentials_of_my_cli_after_every_login()
    {
        (await CliAsync(SamplesServer.MyCli, "login")).OutputOrThrow();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(CredentialsFile));
        File.SetUnixFileMode(CredentialsFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        (await CliAsync(SamplesServer.MyCli, "login")).OutputOrThrow();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(CredentialsFile));
    }

    [Fact]
    public async Task My_cli_stores_no_credentials_that_do_not_work_and_says_what_to_do()
    {
        var login = await CliAsync(SamplesServer.MyCli with { Secret = Anything }, "login");
        var list = await CliAsync(SamplesServer.MyCli, "list-resources");
        var nonsense = await CliAsync(SamplesServer.MyCli, "nonsense");

        Assert.Equal(1, login.ExitCode);
        Assert.Contains("invalid_client", login.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(CredentialsFile));
        Assert.Equal(1, list.ExitCode);
        Assert.Contains("my-cli login", list.Error, StringComparison.Ordinal);
        Assert.Equal(2, nonsense.ExitCode);
    }

    public void Dispose() => _home.Dispose();

    private Task<CommandResult> JobAsync(TestClient client, params (string Name, string? Value)[] environment) =>
        server.RunDotnetAsync(client, "batch-job", "NightlyJob", [], environment);

    private Task<CommandResult> CliAsync(TestClient client, string command) =>
        server.RunDotnetAsync(client, "dotnet-cli", "my-cli", [command], ("XDG_CONFIG_HOME", _home.Path));
}
