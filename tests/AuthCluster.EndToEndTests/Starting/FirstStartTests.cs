using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Starting;

/// <summary>The first start of a new user, and first starts that are killed.</summary>
public sealed class FirstStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_start_prints_a_command_that_gets_a_token_and_the_second_prints_no_credential()
    {
        await using var server = InDevelopment();
        server["AuthCluster:Issuer"] = "https://tokens.example"; // As behind a proxy: the command must still call the listener itself.
        Directory.CreateDirectory(server.DataDirectory);
        await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, "notes.txt"), "not a database", Cancellation);

        await server.StartAsync(Cancellation);
        var printed = server.OutputOfThisRun;

        Assert.Equal(2, FirstCredentials.SecretsIn(printed).Count);
        Assert.Contains(server.DataDirectory, printed, StringComparison.Ordinal);
        await FirstCredentials.PasteCommandAsync(server, printed);

        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);
        Assert.Empty(FirstCredentials.SecretsIn(server.OutputOfThisRun));
        await FirstCredentials.PasteCommandAsync(server, printed);
    }

    [Fact]
    public async Task The_credentials_are_printed_once_even_when_the_first_run_is_killed()
    {
        await using var server = InDevelopment();
        await server.StartAsync(Cancellation);
        var printed = server.OutputOfThisRun;

        await server.KillAsync();
        await server.StartAsync(Cancellation);

        Assert.Empty(FirstCredentials.SecretsIn(server.OutputOfThisRun));
        await FirstCredentials.PasteCommandAsync(server, printed);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(700)]
    [InlineData(1_200)]
    [InlineData(1_800)]
    [InlineData(2_400)]
    [InlineData(3_200)]
    public async Task A_first_start_that_is_killed_at_any_moment_is_completed_by_the_next_with_credentials_that_work(int milliseconds)
    {
        var client = new TestClient("orders", GeneratedSecret.New());
        await using var server = InDevelopment();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(client)));
        var ended = server.RunToExitAsync(Cancellation);
        await Task.WhenAny(ended, Task.Delay(milliseconds, Cancellation));
        await server.KillAsync();
        await ended;

        await server.StartAsync(Cancellation);

        using var caller = new TokenEndpointCaller(server.Address);
        Expect.Granted(await caller.PostAsync(client));
        // Credentials that the killed run had printed stay the same, and need not be printed again.
        Assert.Equal(2, FirstCredentials.SecretsIn(server.Output).Count);
        await FirstCredentials.PasteCommandAsync(server, server.Output);
    }

    private static ServerProcess InDevelopment() => new() { ["DOTNET_ENVIRONMENT"] = "Development" };
}
