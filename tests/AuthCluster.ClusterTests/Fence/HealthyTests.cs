using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>On a sound cluster each administrative write holds on every node when it has answered.</summary>
[Collection(nameof(FencedCluster))]
public sealed class HealthyTests(FencedCluster fenced)
{
    [Fact]
    public async Task No_node_issues_a_token_that_was_asked_for_after_a_disable_was_answered()
    {
        const int Writes = 60;
        await fenced.BeSoundAsync();
        var clients = fenced.Take(20);
        using var caller = new Caller();
        var admin = new FenceAdmin(caller, fenced.Admin);
        await admin.SignInAsync(fenced.Silos[0]);
        var watch = TokenWatch.Start(caller, fenced.Nodes, fenced.Steady);

        var answers = await Switching.RunAsync(fenced, caller, admin, watch, clients, Writes);

        var report = await watch.StopAsync();
        var figures = $"{WriteAnswer.Figures("disable and enable", answers)}\n{report.Figures()}";
        TestContext.Current.TestOutputHelper?.WriteLine(figures);
        Assert.All(answers, answer => Assert.True(answer.IsEverywhere, answer.ToString()));
        Assert.Empty(report.Broken);
        Assert.Empty(report.FailedAt(fenced.Nodes));
        Assert.All(fenced.Nodes, node => Assert.InRange(report.CoveredAt[node.Port], 2 * Writes, int.MaxValue));
    }

    [Fact]
    public async Task A_write_of_any_kind_holds_on_every_node_when_it_has_answered()
    {
        await fenced.BeSoundAsync();
        using var caller = new Caller();
        var admin = new FenceAdmin(caller, fenced.Admin);
        await admin.SignInAsync(fenced.Silos[0]);
        var watch = TokenWatch.Start(caller, fenced.Nodes, fenced.Steady);
        var answers = new List<WriteAnswer>();

        foreach (var node in fenced.Nodes)
        {
            var client = fenced.Take(1)[0];
            watch.Focus(client);
            var before = await AskAllAsync(client);
            await WriteAsync("revoke-tokens", client, HttpMethod.Post, $"clients/{client.Id}/revoke-tokens", asked => asked.IsIssued && asked.Generation <= before);

            await WriteAsync("a removed scope", client, HttpMethod.Patch, $"clients/{client.Id}", asked => asked.Scope.Contains("write", StringComparison.Ordinal), """{ "scopes": ["read"] }""");

            var (other, secretId) = await admin.AddSecretAsync(node, client);
            watch.Focus(other);
            await AskAllAsync(other);
            await WriteAsync("a revoked secret", other, HttpMethod.Delete, $"clients/{client.Id}/secrets/{secretId}", asked => asked.IsIssued);

            var beforeAll = await AskAllAsync(client);
            await WriteAsync("revoke-tokens of all", client, HttpMethod.Post, "revoke-tokens", asked => asked.IsIssued && asked.Generation <= beforeAll);
            await admin.SignInAsync(node);

            var gone = fenced.Take(1)[0];
            await AskAllAsync(gone);
            await WriteAsync("delete", gone, HttpMethod.Delete, $"clients/{gone.Id}", asked => asked.IsIssued);

            async Task WriteAsync(string what, TestClient by, HttpMethod method, string path, Func<Asked, bool> isOlder, string? json = null)
            {
                answers.Add(await admin.SendAsync(node, method, path, json, "application/merge-patch+json"));
                watch.Promise(what, by, answers[^1].Answered, isOlder);
                await watch.AskAllAsync(by);
            }
        }

        // The highest generation that is known to be in use.
        async Task<long> AskAllAsync(TestClient client)
        {
            var asked = await watch.AskAllAsync(client);
            Assert.All(asked, one => Assert.True(one.IsIssued, one.Sample.ToString()));
            return asked.Max(one => one.Generation);
        }

        var report = await watch.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{WriteAnswer.Figures("writes of all kinds", answers)}\n{report.Figures()}");
        Assert.All(answers, answer => Assert.True(answer.IsEverywhere, answer.ToString()));
        Assert.Empty(report.Broken);
        Assert.Empty(report.FailedAt(fenced.Nodes));
    }
}
