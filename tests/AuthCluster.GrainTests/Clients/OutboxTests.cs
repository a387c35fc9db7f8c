using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Usage;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.TestKit;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>The rows that a change writes to other tables, and those that an older build left in the client's row to be written later.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class OutboxTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_is_one_write_of_its_row_and_is_in_the_other_tables_when_it_is_answered()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var disable = new SetEnabledCommand(false, null, Actor());

        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);

        Assert.Equal(1, await AuditedAsync(disable.Actor));
        Assert.Equal([0], await cluster.QueryAsync<int>("select enabled from client_catalogue where client_id = @Id", new { Id = id }));
        Assert.Equal([1], await cluster.QueryAsync<int>("select count(*) from revocation where client_id = @Id", new { Id = id }));
        Assert.Equal([2], await cluster.QueryAsync<int>("select version from grain_state where grain_key = @Key", new { Key = ClientGrainKey.Of(id) }));
        var row = JsonNode.Parse(await cluster.RowAsync(id))!.AsObject();
        Assert.Equal("deleted", row.First().Key);
        Assert.False(row.ContainsKey("rows"));
        Assert.Empty(row["outbox"]!.AsArray());
    }

    [Fact]
    public async Task A_change_that_a_table_refuses_is_not_made_and_does_not_stop_the_clients_tokens()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var disable = new SetEnabledCommand(false, null, Actor());
        await RefuseAsync(id);

        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        await TakeAgainAsync(id);
        Assert.True((await cluster.Client(id).GetAsync(Cancellation)).Client!.Enabled);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);
        Assert.Equal(1, await AuditedAsync(disable.Actor));
    }

    [Fact]
    public async Task Rows_that_an_older_build_left_to_write_are_written_once_when_the_client_is_next_loaded()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var left = Actor();
        await LeaveInRowAsync(id, left);

        await cluster.AskAsync(id);

        await IsToldAsync(id);
        Assert.Equal(1, await AuditedAsync(left));
        Assert.Equal([1], await cluster.QueryAsync<int>("select count(*) from revocation where client_id = @Id", new { Id = id }));
    }

    [Fact]
    public async Task Rows_of_an_older_build_that_a_table_refuses_are_written_with_the_next_change()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var left = Actor();
        await LeaveInRowAsync(id, left);
        await RefuseAsync(id);
        var disable = new SetEnabledCommand(false, null, Actor());

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);
        await TakeAgainAsync(id);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);

        Assert.Equal((1, 1), (await AuditedAsync(left), await AuditedAsync(disable.Actor)));
        Assert.Empty(JsonNode.Parse(await cluster.RowAsync(id))!["outbox"]!.AsArray());
    }

    [Fact]
    public async Task A_repeat_of_a_change_of_an_older_build_is_answered_only_when_its_rows_are_written()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var disable = new SetEnabledCommand(false, null, Actor());
        await LeaveInRowAsync(id, disable.Actor);
        await RefuseAsync(id);

        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);
        Assert.Equal(0, await AuditedAsync(disable.Actor));
        await TakeAgainAsync(id);

        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);
        Assert.Equal(1, await AuditedAsync(disable.Actor));
    }

    [Fact]
    public async Task Rows_of_an_older_build_that_a_table_refused_are_written_without_another_call_once_the_table_takes_them()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var left = Actor();
        await LeaveInRowAsync(id, left);
        await RefuseAsync(id);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        await TakeAgainAsync(id);

        await Eventually.HoldsAsync(
            "the tables are told",
            TimeSpan.FromSeconds(10),
            async () =>
            {
                cluster.Clock.Advance(TimeSpan.FromSeconds(1));
                return await AuditedAsync(left) == 1;
            },
            Cancellation);
    }

    [Fact]
    public async Task When_a_deleted_client_is_asked_for_its_leftover_rows_are_written_and_its_activation_ends()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var inMemory = InMemory;
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation)).Outcome);
        var left = Actor();
        await LeaveInRowAsync(id, left);

        await Eventually.HoldsAsync(
            "the tables are told and the activation is gone",
            TimeSpan.FromSeconds(10),
            async () =>
            {
                Assert.Equal(Refusal.UnknownClient, (await cluster.AskAsync(id)).Refusal);
                return await AuditedAsync(left) == 1 && InMemory < inMemory;
            },
            Cancellation);
        await IsToldAsync(id);
    }

    private int InMemory => cluster.Each<SiloActivity>().Sum(silo => silo.Activations);

    /// <summary>Puts into the client's row what an older build kept there until the other tables had it.</summary>
    private async Task LeaveInRowAsync(string id, ActorRecord actor)
    {
        await cluster.ForgetAsync(id);
        var row = JsonNode.Parse(await cluster.RowAsync(id))!;
        row["outbox"] = new JsonArray(new JsonObject
        {
            ["auditId"] = actor.AuditId,
            ["at"] = "2026-05-15T10:00:00+00:00",
            ["actor"] = actor.Actor,
            ["action"] = "client.revoke-tokens",
            ["target"] = id,
            ["endsTokensBelow"] = 77,
        });
        await cluster.SetRowAsync(id, row.ToJsonString());
    }

    private Task IsToldAsync(string id) => Eventually.HoldsAsync(
        "the row has nothing left to tell",
        TimeSpan.FromSeconds(10),
        async () => JsonNode.Parse(await cluster.RowAsync(id))!["outbox"]!.AsArray().Count == 0,
        Cancellation);

    private Task RefuseAsync(string id) => cluster.ExecuteAsync(
        $"create trigger \"refuse {id}\" before insert on audit when new.client_id = '{id}' begin select raise(abort, 'refused by the test'); end");

    private Task TakeAgainAsync(string id) => cluster.ExecuteAsync($"drop trigger \"refuse {id}\"");

    private async Task<int> AuditedAsync(ActorRecord actor) =>
        Assert.Single(await cluster.QueryAsync<int>("select count(*) from audit where audit_id = @Id", new { Id = actor.AuditId }));
}
