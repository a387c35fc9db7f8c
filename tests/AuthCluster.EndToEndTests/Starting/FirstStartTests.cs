using System.Text.RegularExpressions;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Starting;

/// <summary>The first start of a new user, the second one, and what Production does differently.</summary>
public sealed partial class FirstStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_start_prints_a_command_that_gets_a_token_and_the_second_prints_no_credential()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        await using var server = InDevelopment();
        server["AuthCluster:Issuer"] = "https://tokens.example"; // As behind a proxy: the command must still call the listener itself.
        Directory.CreateDirectory(server.DataDirectory);
        await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, "notes.txt"), "not a database", Cancellation);

        await server.StartAsync(Cancellation);
        var printed = server.OutputOfThisRun;
        var secrets = SecretText().Matches(printed).Select(match => match.Value).Distinct(StringComparer.Ordinal).ToList();
        var command = PastedCommand(printed);

        Assert.Equal(2, secrets.Count);
        Assert.Contains(server.DataDirectory, printed, StringComparison.Ordinal);
        await PasteAsync(server, command);

        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);
        Assert.DoesNotMatch(SecretText(), server.OutputOfThisRun);
        await PasteAsync(server, command);
    }

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task A_first_start_works_the_same_on_a_schema_that_was_created_and_checked_before(string environment)
    {
        await using var server = new ServerProcess { ["DOTNET_ENVIRONMENT"] = environment };
        Assert.Equal(1, await server.RunToExitAsync(Cancellation, "db", "status"));
        Assert.Equal(0, await server.RunToExitAsync(Cancellation, "db", "migrate"));
        Assert.Equal(0, await server.RunToExitAsync(Cancellation, "db", "status"));

        await server.StartAsync(Cancellation);

        Assert.Equal(environment == "Development", SecretText().IsMatch(server.OutputOfThisRun));
        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);
    }

    [Fact]
    public async Task A_missing_key_encryption_key_stops_the_start_once_keys_are_stored_and_no_new_one_is_generated()
    {
        await using var server = new ServerProcess();
        await server.StartAsync(Cancellation);
        await server.StopAsync(Cancellation);
        var key = Path.Combine(server.DataDirectory, "key-encryption.key");
        var text = await File.ReadAllTextAsync(key, Cancellation);
        File.Delete(key);

        Assert.Equal(1, await server.RunToExitAsync(Cancellation));

        Assert.Contains(key, server.OutputOfThisRun, StringComparison.Ordinal);
        Assert.False(File.Exists(key));
        await File.WriteAllTextAsync(key, text, Cancellation);
        await server.StartAsync(Cancellation);
    }

    [Fact]
    public async Task A_first_start_prints_one_line_for_each_step_beside_the_credentials_and_stops_at_once()
    {
        await using var server = InDevelopment();
        server["AuthCluster:Http:DrainDelay"] = null;
        await server.StartAsync(Cancellation);
        await Eventually.HoldsAsync("it says where it listens", TimeSpan.FromSeconds(10), () => server.Output.Contains("AuthCluster listens on", StringComparison.Ordinal), Cancellation);
        var lines = server.Output.Split('\n').Where(line => line.Contains(" info: ", StringComparison.Ordinal) || line.Contains(" warn: ", StringComparison.Ordinal)).ToList();

        await server.BeginStopAsync();
        await server.ExitAsync(Cancellation);

        Assert.Collection(
            lines,
            line => Assert.Contains("schema was brought up to date", line, StringComparison.Ordinal),
            line => Assert.Contains("AuthCluster listens on", line, StringComparison.Ordinal));
        Assert.Contains("still served for 00:00:00", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_credentials_are_printed_once_even_when_the_first_run_is_killed()
    {
        await using var server = InDevelopment();
        await server.StartAsync(Cancellation);
        var command = PastedCommand(server.OutputOfThisRun);

        await server.KillAsync();
        await server.StartAsync(Cancellation);

        Assert.DoesNotMatch(SecretText(), server.OutputOfThisRun);
        await PasteAsync(server, command);
    }

    [Fact]
    public async Task A_first_start_that_dies_at_any_moment_is_completed_by_the_next_with_credentials_that_work()
    {
        foreach (var milliseconds in (int[])[700, 1_200, 1_800, 2_400, 3_200])
        {
            await using var server = InDevelopment();
            var ended = server.RunToExitAsync(Cancellation);
            await Task.WhenAny(ended, Task.Delay(milliseconds, Cancellation));
            await server.KillAsync();
            await ended;

            await server.StartAsync(Cancellation);

            // Credentials that the killed run had printed stay the same, and need not be printed again.
            Assert.Equal(2, SecretText().Matches(server.Output).Select(match => match.Value).Distinct(StringComparer.Ordinal).Count());
            await PasteAsync(server, PastedCommand(server.Output));
        }
    }

    [Fact]
    public async Task A_client_named_admin_in_the_clients_file_is_not_printed_with_a_secret_that_it_does_not_have()
    {
        var admin = new TestClient("admin", GeneratedSecret.New());
        await using var server = InDevelopment();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(admin)));
        using var caller = new TokenEndpointCaller(server.Address);

        await server.StartAsync(Cancellation);

        Assert.Single(SecretText().Matches(server.OutputOfThisRun).Select(match => match.Value).Distinct(StringComparer.Ordinal));
        Expect.Granted(await caller.PostAsync(admin));
        await PasteAsync(server, PastedCommand(server.OutputOfThisRun));
    }

    [Fact]
    public async Task Production_creates_no_client_by_itself()
    {
        await using var server = new ServerProcess();

        await server.StartAsync(Cancellation);

        Assert.DoesNotMatch(SecretText(), server.OutputOfThisRun);
        Assert.DoesNotContain("curl", server.OutputOfThisRun, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Production_creates_the_configured_admin_client_which_keeps_its_first_secret()
    {
        var admin = new TestClient("root", GeneratedSecret.New());
        await using var server = new ServerProcess
        {
            ["AuthCluster:Bootstrap:AdminClientId"] = admin.Id,
            ["AuthCluster:Bootstrap:AdminClientSecret"] = admin.Secret,
        };
        using var caller = new TokenEndpointCaller(server.Address);

        await server.StartAsync(Cancellation);
        var answer = await caller.PostAsync(admin);
        Expect.Granted(answer);
        Assert.Contains("authcluster:admin", answer.Scope!.Split(' '));
        await server.StopAsync(Cancellation);
        Assert.DoesNotContain(admin.Secret, server.Output, StringComparison.Ordinal);

        server["AuthCluster:Bootstrap:AdminClientSecret"] = GeneratedSecret.New();
        await server.StartAsync(Cancellation);
        Expect.Granted(await caller.PostAsync(admin));
    }

    [Fact]
    public async Task The_secret_of_the_admin_client_can_come_from_a_file()
    {
        var admin = new TestClient("root", GeneratedSecret.New());
        await using var server = new ServerProcess { ["AuthCluster:Bootstrap:AdminClientId"] = admin.Id };
        server["AuthCluster:Bootstrap:AdminClientSecretFile"] = server.WriteFile("secret", admin.Secret + "\n");
        using var caller = new TokenEndpointCaller(server.Address);

        await server.StartAsync(Cancellation);

        Expect.Granted(await caller.PostAsync(admin));
    }

    [Fact]
    public async Task Development_creates_no_admin_beside_the_configured_one()
    {
        await using var server = InDevelopment();
        server["AuthCluster:Bootstrap:AdminClientId"] = "root";
        server["AuthCluster:Bootstrap:AdminClientSecret"] = GeneratedSecret.New();

        await server.StartAsync(Cancellation);

        // The only secret in the output is the demo client's; the configured secret is never printed.
        Assert.Single(SecretText().Matches(server.OutputOfThisRun).Select(match => match.Value).Distinct(StringComparer.Ordinal));
        Assert.DoesNotContain(server["AuthCluster:Bootstrap:AdminClientSecret"]!, server.OutputOfThisRun, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_a_thousand_clients_is_imported_in_seconds_and_a_later_file_changes_none_of_them()
    {
        var clients = Enumerable.Range(0, 1_000).Select(i => new TestClient($"client-{i}", GeneratedSecret.New())).ToList();
        await using var server = new ServerProcess();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(clients.Select(client => ClientDocument.For(client))));
        using var caller = new TokenEndpointCaller(server.Address);
        var start = System.Diagnostics.Stopwatch.GetTimestamp();

        await server.StartAsync(Cancellation);
        // Generated secrets need no slow hash: what is left is a thousand small writes.
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(30));
        Expect.Granted(await caller.PostAsync(clients[0]));
        Expect.Granted(await caller.PostAsync(clients[999]));
        await server.StopAsync(Cancellation);

        var changed = clients[0] with { Secret = GeneratedSecret.New() };
        var added = new TestClient("added", GeneratedSecret.New());
        server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(changed), ClientDocument.For(added)));
        await server.StartAsync(Cancellation);
        Expect.Granted(await caller.PostAsync(clients[0]));
        Expect.Refused(401, "invalid_client", await caller.PostAsync(changed));
        Expect.Granted(await caller.PostAsync(added));
    }

    [Fact]
    public async Task A_second_process_on_the_same_data_is_refused_and_the_first_goes_on()
    {
        await using var first = new ServerProcess();
        await first.StartAsync(Cancellation);
        await using var second = new ServerProcess { ["AuthCluster:DataDirectory"] = first.DataDirectory };

        Assert.Equal(1, await second.RunToExitAsync(Cancellation));

        Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal);
        using var http = new HttpClient { BaseAddress = first.Address };
        Assert.True((await http.GetAsync("/health/ready", Cancellation)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Only_its_owner_can_read_the_generated_key_encryption_key()
    {
        await using var server = new ServerProcess();
        await server.StartAsync(Cancellation);

        var modes = Directory.EnumerateFiles(server.DataDirectory).ToDictionary(file => Path.GetFileName(file), File.GetUnixFileMode, StringComparer.Ordinal);

        Assert.Contains(modes, file => file.Key.EndsWith(".key", StringComparison.Ordinal) && file.Value == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    private static ServerProcess InDevelopment() => new() { ["DOTNET_ENVIRONMENT"] = "Development" };

    /// <summary>The curl command: its first line and those that a backslash joins to it.</summary>
    private static string PastedCommand(string printed)
    {
        var match = CurlText().Match(printed);
        Assert.True(match.Success, printed);
        return match.Value;
    }

    private static async Task PasteAsync(ServerProcess server, string command)
    {
        Assert.Contains(server.Address.Authority, command, StringComparison.Ordinal);
        var answer = System.Text.Json.JsonElement.Parse((await Command.RunAsync("bash", "-c", command)).OutputOrThrow());
        Assert.Equal("Bearer", answer.GetProperty("token_type").GetString());
    }

    [GeneratedRegex("acs_[A-Za-z0-9_-]{43}_[0-9a-f]{8}")]
    private static partial Regex SecretText();

    [GeneratedRegex("""curl (.*\\\r?\n)*.*""")]
    private static partial Regex CurlText();
}
