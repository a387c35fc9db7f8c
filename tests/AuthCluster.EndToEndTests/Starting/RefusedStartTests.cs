using AuthCluster.TestKit;

namespace AuthCluster.EndToEndTests.Starting;

/// <summary>
/// What a supervisor and an operator see of a process whose start is refused: exit code 1, and one sentence on standard error. All the
/// values that stop a start are in <c>AuthCluster.ServerTests</c>.
/// </summary>
public sealed class RefusedStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The key that the sentence must name, and the settings.</summary>
    public static TheoryData<string, string[]> BadSettings { get; } = new()
    {
        { "AuthCluster:Issuer", ["AuthCluster:Issuer=nonsense"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=nonsense"] },
        // A fault that only Kestrel finds, when the silo runs already.
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://unix:/nowhere/socket"] },
        // Without a home folder there is no developer certificate of the SDK.
        { "Kestrel:Certificates:Default", ["DOTNET_ENVIRONMENT=Development", "ASPNETCORE_URLS=https://localhost:15990", "HOME=/nowhere"] },
    };

    [Theory]
    [MemberData(nameof(BadSettings))]
    public async Task A_process_with_a_bad_value_exits_with_1_and_leaves_one_sentence_on_standard_error_and_no_stack(string key, string[] settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        await using var server = new ServerProcess();
        foreach (var setting in settings)
        {
            var at = setting.IndexOf('=', StringComparison.Ordinal);
            server[setting[..at]] = setting[(at + 1)..];
        }

        await StopsNamingAsync(server, key);
    }

    [Fact]
    public async Task A_settings_file_that_is_no_JSON_stops_the_start()
    {
        await using var server = new ServerProcess();
        var folder = Path.GetDirectoryName(server.Assembly)!;
        var copy = Path.GetDirectoryName(server.WriteFile("mark", ""))!;
        (await Command.RunAsync("cp", "-r", folder, Path.Combine(copy, "build"))).OutputOrThrow();
        server.Assembly = Path.Combine(copy, "build", Path.GetFileName(server.Assembly));
        await File.WriteAllTextAsync(Path.Combine(copy, "build", "appsettings.json"), "{ \"AuthCluster\": { \"Issuer\": hidden } }", Cancellation);

        await StopsNamingAsync(server, "appsettings.json");
    }

    [Fact]
    public async Task A_second_process_on_the_same_data_is_refused_and_the_first_goes_on()
    {
        await using var first = new ServerProcess();
        await first.StartAsync(Cancellation);
        await using var second = new ServerProcess { ["AuthCluster:DataDirectory"] = first.DataDirectory };

        await StopsNamingAsync(second, first.DataDirectory);

        using var http = new HttpClient { BaseAddress = first.Address };
        Assert.True((await http.GetAsync("/health/ready", Cancellation)).IsSuccessStatusCode);
    }

    private static async Task StopsNamingAsync(ServerProcess server, string key)
    {
        // Standard output is thrown away: it has the log of the steps before.
        server.Prefix = ["sh", "-c", "exec \"$@\" >/dev/null", "sh"];

        var exitCode = await server.RunToExitAsync(Cancellation);

        var sentence = Assert.Single(server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(1, exitCode);
        Assert.Contains(key, sentence, StringComparison.Ordinal);
        Assert.EndsWith(".", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", sentence, StringComparison.Ordinal);
    }
}
