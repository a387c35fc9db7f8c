using AuthCluster.ServerKit;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Starting;

/// <summary>What a first start makes and prints, what a later one leaves as it is, and what Production does differently.</summary>
public sealed class FirstStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task A_first_start_works_the_same_on_a_schema_that_was_created_and_checked_before(string environment)
    {
        await using var server = new InProcessServer { ["DOTNET_ENVIRONMENT"] = environment };
        Assert.Equal(1, await server.RunToExitAsync(Cancellation, "db", "status"));
        Assert.Equal(0, await server.RunToExitAsync(Cancellation, "db", "migrate"));
        Assert.Equal(0, await server.RunToExitAsync(Cancellation, "db", "status"));

        await server.StartAsync(Cancellation);

        Assert.Equal(environment == "Development", FirstCredentials.SecretsIn(server.OutputOfThisRun).Count > 0);
        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);
    }

    [Fact]
    public async Task A_missing_key_encryption_key_stops_the_start_once_keys_are_stored_and_no_new_one_is_generated()
    {
        await using var server = new InProcessServer();
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

        Assert.Equal(0, await server.StopAsync(Cancellation));

        Assert.Collection(
            lines,
            line => Assert.Contains("schema was brought up to date", line, StringComparison.Ordinal),
            line => Assert.Contains("AuthCluster listens on", line, StringComparison.Ordinal));
        Assert.Contains("still served for 00:00:00", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_named_admin_in_the_clients_file_is_not_printed_with_a_secret_that_it_does_not_have()
    {
        var admin = new TestClient("admin", GeneratedSecret.New());
        await using var server = InDevelopment();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(admin)));
        using var caller = new TokenEndpointCaller(server.Address);

        await server.StartAsync(Cancellation);

        Assert.Single(FirstCredentials.SecretsIn(server.OutputOfThisRun));
        Expect.Granted(await caller.PostAsync(admin));
        await FirstCredentials.PasteCommandAsync(server, server.OutputOfThisRun);
    }

    [Fact]
    public async Task Production_creates_no_client_by_itself()
    {
        await using var server = new InProcessServer();

        await server.StartAsync(Cancellation);

        Assert.Empty(FirstCredentials.SecretsIn(server.OutputOfThisRun));
        Assert.DoesNotContain("curl", server.OutputOfThisRun, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Production_creates_the_configured_admin_client_which_keeps_its_first_secret()
    {
        var admin = new TestClient("root", GeneratedSecret.New());
        await using var server = new InProcessServer
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
        await using var server = new InProcessServer { ["AuthCluster:Bootstrap:AdminClientId"] = admin.Id };
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
        Assert.Single(FirstCredentials.SecretsIn(server.OutputOfThisRun));
        Assert.DoesNotContain(server["AuthCluster:Bootstrap:AdminClientSecret"]!, server.OutputOfThisRun, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_a_thousand_clients_is_imported_without_slow_hashes_and_a_later_file_changes_none_of_them()
    {
        var clients = Enumerable.Range(0, 1_000).Select(i => new TestClient($"client-{i}", GeneratedSecret.New())).ToList();
        await using var server = new InProcessServer();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(clients.Select(client => ClientDocument.For(client))));
        using var caller = new TokenEndpointCaller(server.Address);
        var before = Environment.CpuUsage.TotalTime;

        await server.StartAsync(Cancellation);
        // A slow hash takes a third of a second, so a thousand would take minutes. Generated secrets need none.
        Assert.InRange(Environment.CpuUsage.TotalTime - before, TimeSpan.Zero, TimeSpan.FromMinutes(1));
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
    public async Task Only_its_owner_can_read_the_generated_key_encryption_key()
    {
        await using var server = new InProcessServer();
        await server.StartAsync(Cancellation);

        var modes = Directory.EnumerateFiles(server.DataDirectory).ToDictionary(file => Path.GetFileName(file), File.GetUnixFileMode, StringComparer.Ordinal);

        Assert.Contains(modes, file => file.Key.EndsWith(".key", StringComparison.Ordinal) && file.Value == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    private static InProcessServer InDevelopment() => new() { ["DOTNET_ENVIRONMENT"] = "Development" };
}
