using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>Changes that are asked for again because their answer was lost.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class RepeatTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task However_many_changes_come_at_once_each_is_made_once_whenever_its_repeats_come()
    {
        const int Each = 12;
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        var grain = cluster.Client(id);
        var adds = Enumerable.Range(0, Each).Select(i => new AddSecretCommand(SecretOf($"secret-{i}", $"added-{i}"), null, null, Actor(), null, cluster.Clock.GetUtcNow())).ToList();
        var ends = Enumerable.Range(0, Each).Select(_ => new RevokeTokensCommand(null, Actor())).ToList();

        List<Task<ClientAnswer>> calls = [];
        for (var times = 0; times < 3; times++)
        {
            calls.AddRange(adds.Select(add => grain.AddSecretAsync(add, Cancellation)));
            calls.AddRange(ends.Select(end => grain.RevokeTokensAsync(end, Cancellation)));
        }

        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal(ClientOutcome.Done, answer.Outcome));
        var revoked = await grain.RevokeSecretAsync(new RevokeSecretCommand("added-0", false, null, Actor()), Cancellation);
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        // Two hours later the changes are repeated to another activation, after one of them was undone.
        await cluster.ForgetAsync(id);
        Assert.Equal(ClientOutcome.Done, (await grain.AddSecretAsync(adds[0], Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Done, (await grain.RevokeTokensAsync(ends[0], Cancellation)).Outcome);

        Assert.Equal(ClientOutcome.Done, revoked.Outcome);
        var secrets = (await grain.GetAsync(Cancellation)).Client!.Secrets;
        // Calls that are made at once come in any order.
        Assert.Equal(adds.Skip(1).Select(add => add.Secret.SecretId).Append("s1").Order(StringComparer.Ordinal), secrets.Select(secret => secret.SecretId).Order(StringComparer.Ordinal));
        Assert.Equal(generation + Each, (await cluster.AskAsync(id)).Grant!.Generation);
        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("secret-0")))).Refusal);
        Assert.Equal(
            1 + Each + Each + 1,
            Assert.Single(await cluster.QueryAsync<int>("select count(*) from audit where client_id = @Id", new { Id = id })));
        Assert.Equal(ClientOutcome.Done, (await grain.SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
    }

    [Fact]
    public async Task A_client_whose_row_holds_a_secret_twice_can_be_administered_and_the_secret_revoked()
    {
        var id = await cluster.CreateAsync(Document("read"), SecretOf(Secret), SecretOf("the doubled one", "doubled"));
        await cluster.ForgetAsync(id);
        var row = JsonNode.Parse(await cluster.RowAsync(id))!;
        row["secrets"]!.AsArray().Add(row["secrets"]![1]!.DeepClone());
        await cluster.SetRowAsync(id, row.ToJsonString());
        var grain = cluster.Client(id);

        Assert.Equal(["s1", "doubled"], (await grain.GetAsync(Cancellation)).Client!.Secrets.Select(secret => secret.SecretId));
        Assert.Equal(ClientOutcome.Done, (await grain.RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Done, (await grain.RevokeSecretAsync(new RevokeSecretCommand("doubled", false, null, Actor()), Cancellation)).Outcome);

        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("the doubled one")))).Refusal);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        Assert.Equal(ClientOutcome.Done, (await grain.SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
    }

    [Fact]
    public async Task A_change_is_not_made_while_it_can_not_be_told_from_a_repeat()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var add = new AddSecretCommand(SecretOf("added", "added"), null, null, Actor(), null, cluster.Clock.GetUtcNow());

        await cluster.ExecuteAsync("alter table audit rename to audit_elsewhere");
        var refused = await cluster.Client(id).AddSecretAsync(add, Cancellation);
        await cluster.ExecuteAsync("alter table audit_elsewhere rename to audit");

        Assert.Equal(ClientOutcome.Unavailable, refused.Outcome);
        Assert.Single((await cluster.Client(id).GetAsync(Cancellation)).Client!.Secrets);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).AddSecretAsync(add, Cancellation)).Outcome);
        Assert.Equal(2, (await cluster.Client(id).GetAsync(Cancellation)).Client!.Secrets.Length);
    }
}
