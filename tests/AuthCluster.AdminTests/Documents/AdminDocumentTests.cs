using System.Diagnostics;
using System.Text;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Documents;

/// <summary>Every command of <c>docs/admin.md</c> works as printed, in the order in which it is printed.</summary>
public sealed class AdminDocumentTests : IAsyncDisposable
{
    private readonly AdminServer _server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_command_of_the_admin_document_works_as_printed()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        await _server.StartAsync();

        var printed = await RunAsync("set -euo pipefail\n" + Commands());

        var admin = await _server.CallerAsync();
        Assert.Contains("2026, week 47", printed, StringComparison.Ordinal);
        Assert.Equal(
            [
                "client.create", "client.update", "client.update", "secret.add", "secret.retire", "secret.revoke",
                "client.revoke-tokens", "client.disable", "client.enable", "client.delete",
            ],
            await Agreement.CheckAsync(admin, "orders"));
        Assert.Equal(
            ["from-duende", "from-hydra", "from-keycloak", "from-openiddict"],
            (await admin.GetAsync("/clients?search=from-")).Items.Select(item => item!["clientId"]!.GetValue<string>()));
        Assert.Contains((await admin.GetAsync("/audit?limit=1000")).Items, entry => entry!["action"]!.GetValue<string>() == "cluster.revoke-tokens");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Commands()
    {
        var commands = new StringBuilder();
        var inside = false;
        foreach (var line in File.ReadAllLines(Repository.PathOf("docs", "admin.md")))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inside = line == "```bash";
            }
            else if (inside)
            {
                commands.AppendLine(line);
            }
        }

        return commands.ToString();
    }

    private async Task<string> RunAsync(string script)
    {
        var start = new ProcessStartInfo("bash", [_server.Installation.WriteFile("day.sh", script)]);
        start.Environment["AUTHCLUSTER"] = _server.Installation.Address.ToString().TrimEnd('/');
        start.Environment["ADMIN_ID"] = AdminServer.Admin.Id;
        start.Environment["ADMIN_SECRET"] = AdminServer.Admin.Secret;
        return (await Command.RunAsync(start, Cancellation)).OutputOrThrow();
    }
}
