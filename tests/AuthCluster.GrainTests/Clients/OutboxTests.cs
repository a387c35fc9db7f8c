using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Cluster;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage;
using AuthCluster.TestKit;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What a change has to tell the tables, when its caller leaves, the activation ends, or the row can't be written again.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class OutboxTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_tables_are_told_of_a_stored_change_though_its_caller_has_left()
    {
        var id = await cluster.CreateAtRestAsync();
        var disable = new SetEnabledCommand(false, null, Actor());
        var turn = new TaskCompletionSource<Task<WriteTurn>>();
        // The row is written, and the tables must wait for their turn.
        cluster.Failures.WhenWritten[ClientGrainKey.Of(id)] = () => turn.SetResult(cluster.Database.EnterWriteAsync(Cancellation).AsTask());
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var call = cluster.Client(id).SetEnabledAsync(disable, caller.Token);
        using (await await turn.Task)
        {
            await caller.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
            // By then the grain has long been told that the caller has left; a change that ended for it would let this call have its turn.
            await Task.WhenAny(cluster.Client(id).GetAsync(Cancellation), Task.Delay(300, Cancellation));
            Assert.Equal(Refusal.ClientDisabled, (await cluster.DecidedAsync(id)).Refusal);
        }

        await Eventually.HoldsAsync("the audit has it", TimeSpan.FromSeconds(10), async () => await AuditedAsync(disable.Actor) == 1, Cancellation);
        Assert.Equal([0], await cluster.QueryAsync<int>("select enabled from client_catalogue where client_id = @Id", new { Id = id }));
    }

    [Fact]
    public async Task An_activation_that_fails_to_tell_the_tables_gives_its_limit_back_at_its_end()
    {
        var document = Document("read");
        document["rateLimit"] = new JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = 5 };
        var id = await cluster.CreateAsync(document);
        await cluster.RestsAsync(id);
        await cluster.ForgetAsync(id);
        var row = JsonNode.Parse(await cluster.RowAsync(id))!;
        // The end of the tokens that this tells of is a time that there is not.
        row["outbox"] = new JsonArray(new JsonObject
        {
            ["auditId"] = "none",
            ["at"] = "9999-12-31T23:00:00+00:00",
            ["actor"] = "a",
            ["action"] = "b",
            ["target"] = "c",
            ["endsTokensBelow"] = 1,
        });
        await cluster.SetRowAsync(id, row.ToJsonString());
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        Assert.NotNull(JsonNode.Parse(await cluster.RowAsync(id))!["limitOwner"]);

        await cluster.ForgetAsync(id);

        await Eventually.HoldsAsync(
            "the limit is nobody's", TimeSpan.FromSeconds(10), async () => JsonNode.Parse(await cluster.RowAsync(id))!["limitOwner"] is null, Cancellation);
    }

    [Fact]
    public async Task A_deleted_client_whose_row_could_not_be_written_again_is_written_and_leaves_when_it_is_asked_for()
    {
        var id = await cluster.CreateAtRestAsync();
        var inMemory = InMemory;
        cluster.Failures.Of(id, Failure.DownAfterWrite);
        var delete = new DeleteClientCommand(null, Actor());
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).DeleteAsync(delete, Cancellation)).Outcome);
        Assert.Equal(1, await AuditedAsync(delete.Actor));
        cluster.Failures.End(id);
        Assert.NotEmpty(JsonNode.Parse(await cluster.RowAsync(id))!["outbox"]!.AsArray());

        await Eventually.HoldsAsync(
            "the row is written and the activation gone",
            TimeSpan.FromSeconds(10),
            async () =>
            {
                Assert.Equal(Refusal.UnknownClient, (await cluster.AskAsync(id)).Refusal);
                return JsonNode.Parse(await cluster.RowAsync(id))!["outbox"] is not JsonArray { Count: > 0 } && InMemory < inMemory;
            },
            Cancellation);
    }

    private int InMemory => cluster.Each<SiloActivity>().Sum(silo => silo.Activations);

    private async Task<int> AuditedAsync(ActorRecord actor) =>
        Assert.Single(await cluster.QueryAsync<int>("select count(*) from audit where audit_id = @Id", new { Id = actor.AuditId }));
}
