using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Failure;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Secrets;

/// <summary>What the hashing of given secrets costs others who create clients, and what the server answers when there is too much to hash.</summary>
public sealed class GivenSecretCostTests(SqliteInstallation installation) : IClassFixture<SqliteInstallation>
{
    private const int MostSecrets = 32;
    private const int DocumentsForEachTurn = 6;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_document_with_one_secret_gets_its_turn_among_documents_of_many_and_refusals_name_the_true_reason()
    {
        var admin = await installation.Server.CallerAsync();
        var documents = DocumentsForEachTurn * Math.Max(1, Environment.ProcessorCount / 2);

        var many = Enumerable.Range(0, documents).Select(i => admin.PostAsync("/clients", Document($"many-{i}", MostSecrets))).ToList();
        await ComputesAsync();
        var single = await admin.PostAsync("/clients", Document("single", 1));
        var answers = await Task.WhenAll(many);

        Assert.True(single.Status == 201, single.ToString());
        var refused = answers.Where(answer => answer.Status != 201).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer =>
        {
            answer.Refused(503);
            Assert.Contains("given secrets", answer.Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
            Assert.DoesNotContain("torage", answer.Body, StringComparison.Ordinal);
        });
        Assert.Equal(answers.Length - refused.Count, (await admin.GetAsync("/clients?search=many-")).Items.Count);
    }

    [Fact]
    public async Task Nothing_is_hashed_for_a_caller_who_has_gone()
    {
        var token = await installation.Server.TokenAsync(AdminServer.Admin);
        using (var hasty = new HttpClient { BaseAddress = installation.Server.Installation.Address })
        {
            var admin = new AdminCaller(hasty, token);
            var calls = Enumerable.Range(0, 3).Select(i => admin.PostAsync("/clients", Document($"gone-{i}", MostSecrets))).ToList();
            await ComputesAsync();
            hasty.CancelPendingRequests();
            Assert.All(await Task.WhenAll(calls.Select(call => call.ContinueWith(ended => ended.Status, TaskScheduler.Default))), status => Assert.Equal(TaskStatus.Canceled, status));
        }

        await Task.Delay(Settling, Cancellation);
        var before = installation.Process.ProcessorTime();
        await Task.Delay(Watched, Cancellation);
        var spent = installation.Process.ProcessorTime() - before;

        Assert.True(spent < Watched / 4, $"{spent.TotalMilliseconds:f0} ms went on.");
        Assert.Empty((await (await installation.Server.CallerAsync()).GetAsync("/clients?search=gone-")).Items);
    }

    private static string Document(string id, int secrets) => new JsonObject
    {
        ["clientId"] = id,
        ["secrets"] = new JsonArray([.. Enumerable.Range(0, secrets).Select(i => (JsonNode)new JsonObject { ["secret"] = $"a given secret of {id}, {i}" })]),
    }.ToJsonString();

    private Task ComputesAsync()
    {
        var before = installation.Process.ProcessorTime();
        return Eventually.HoldsAsync("secrets are hashed", TimeSpan.FromSeconds(5), () => installation.Process.ProcessorTime() - before > Settling, Cancellation);
    }
}
