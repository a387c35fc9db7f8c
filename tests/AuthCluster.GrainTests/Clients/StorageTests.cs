using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What a client's grain does when its row can't be read or written, or when a write has an unknown outcome.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class StorageTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_storage_down_a_client_in_memory_goes_on_and_a_cold_one_is_unavailable()
    {
        var warm = await cluster.CreateAsync(Document("read"));
        var cold = await cluster.CreateAsync(Document("read"));
        await cluster.ForgetAsync(cold);
        cluster.Failures.Of(warm, Failure.Down);
        cluster.Failures.Of(cold, Failure.Down);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(warm)).Kind);
        Assert.Equal(DecisionKind.Unavailable, (await cluster.AskAsync(cold)).Kind);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(cold).GetAsync(Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(warm).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
        // That write certainly did not happen, so the client stays in service.
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(warm)).Kind);

        await MendAsync(warm, cold);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(cold)).Kind);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(warm)).Kind);
    }

    [Fact]
    public async Task An_activation_that_began_without_storage_can_be_administered_once_it_is_back()
    {
        var id = NewId();
        cluster.Failures.Of(id, Failure.Down);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).CreateAsync(Creation(Document("read")), Cancellation)).Outcome);

        await MendAsync(id);

        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).CreateAsync(Creation(Document("read")), Cancellation)).Outcome);
    }

    [Theory]
    [InlineData(Failure.AnswerLost, Refusal.ClientDisabled)]
    [InlineData(Failure.LostOnTheWay, Refusal.None)]
    public async Task After_a_write_of_unknown_outcome_what_is_stored_decides(Failure failure, Refusal then)
    {
        var id = await cluster.CreateAsync(Document("read"));
        cluster.Failures.Of(id, failure);

        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
        cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        var answer = await cluster.AskAsync(id);
        await MendAsync(id);

        Assert.Equal(then, answer.Refusal);
    }

    [Fact]
    public async Task A_silo_that_meets_older_state_than_it_remembers_does_not_adopt_it()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await cluster.ExecuteAsync("create table backup as select * from grain_state where grain_key = @Key", new { Key = ClientGrainKey.Of(id) });
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);

        await cluster.ExecuteAsync("delete from grain_state where grain_key = @Key", new { Key = ClientGrainKey.Of(id) });
        await cluster.ExecuteAsync("insert into grain_state select * from backup");
        await cluster.ExecuteAsync("drop table backup");
        var write = await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        var decision = await cluster.AskAsync(id);

        // In the backup the client is enabled.
        Assert.Equal(ClientOutcome.Unavailable, write.Outcome);
        Assert.Equal(DecisionKind.Unavailable, decision.Kind);
        Assert.Equal(TokenStanding.Unknown, (await cluster.Client(id).CheckTokenAsync(new CheckTokenCommand("jti", 1), Cancellation)).Standing);
    }

    [Fact]
    public async Task After_a_write_of_unknown_outcome_nothing_is_decided_until_the_row_can_be_read()
    {
        var id = await cluster.CreateAsync(Document("read"));
        cluster.Failures.Of(id, Failure.AnswerLostThenDown);

        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
        var first = await cluster.AskAsync(id);
        var check = await cluster.Client(id).CheckTokenAsync(new CheckTokenCommand("jti", 1), Cancellation);
        await MendAsync(id);

        Assert.Equal(DecisionKind.Unavailable, first.Kind);
        Assert.Equal(TokenStanding.Unknown, check.Standing);
        Assert.Equal(Refusal.ClientDisabled, (await cluster.AskAsync(id)).Refusal);
    }

    [Fact]
    public async Task No_caller_is_authenticated_until_the_row_can_be_read()
    {
        var id = await cluster.CreateAsync(Document("read"));
        cluster.Failures.Of(id, Failure.AnswerLostThenDown);

        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
        var who = await cluster.Client(id).AuthenticateAsync(Present(), Cancellation);
        await MendAsync(id);

        Assert.Equal(DecisionKind.Unavailable, who.Kind);
    }

    [Fact]
    public async Task A_row_that_can_not_be_read_takes_out_that_client_alone_until_it_is_mended()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var other = await cluster.CreateAsync(Document("read"));
        await cluster.ForgetAsync(id);
        var row = await cluster.RowAsync(id);
        await cluster.SetRowAsync(id, row[..^5]);

        Assert.Equal(DecisionKind.Unavailable, (await cluster.AskAsync(id)).Kind);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).GetAsync(Cancellation)).Outcome);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(other)).Kind);

        await cluster.SetRowAsync(id, row);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
    }

    [Fact]
    public async Task What_a_newer_build_stored_survives_a_rewrite()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await cluster.ForgetAsync(id);
        var row = await cluster.RowAsync(id);
        await cluster.SetRowAsync(id, row.Insert(1, "\"fromTheFuture\":{\"a\":[1,2]},"));

        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation)).Outcome);
        await cluster.ForgetAsync(id);

        Assert.Contains("\"fromTheFuture\":{\"a\":[1,2]}", await cluster.RowAsync(id), StringComparison.Ordinal);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation)).Outcome);
        Assert.Contains("fromTheFuture", await cluster.RowAsync(id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_whose_answer_was_lost_is_in_the_audit_at_once_and_only_once()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var disable = new SetEnabledCommand(false, null, Actor());
        // The write is done and its answer lost.
        cluster.Failures.Of(id, Failure.AnswerLostThenDown);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).SetEnabledAsync(disable, Cancellation)).Outcome);
        Assert.Equal(1, await AuditedAsync(disable));

        await MendAsync(id);
        await cluster.ForgetAsync(id);
        await cluster.AskAsync(id);

        Assert.Equal(1, await AuditedAsync(disable));
        Assert.Equal(1, Assert.Single(await cluster.QueryAsync<int>("select count(*) from revocation where kind = 'client' and value = @Id", new { Id = id })));
        Assert.Equal(0, Assert.Single(await cluster.QueryAsync<int>("select enabled from client_catalogue where client_id = @Id", new { Id = id })));
    }

    [Fact]
    public async Task A_call_that_a_table_refuses_is_unavailable_until_the_table_is_mended_and_does_not_throw()
    {
        var feed = cluster.Grains.GetGrain<IRevocationFeedGrain>(IRevocationFeedGrain.Key);
        var id = await cluster.CreateAsync(Document("read"));
        var revoke = new RevokeTokenCommand("jti", (await cluster.AskAsync(id)).Grant!.Generation, cluster.Clock.GetUtcNow().AddHours(1));
        var check = new CheckTokenCommand("jti", revoke.Generation);

        await cluster.ExecuteAsync("alter table revocation rename to revocation_elsewhere");
        var page = await feed.ReadAsync(null, 10, Cancellation);
        var standing = (await cluster.Client(id).CheckTokenAsync(check, Cancellation)).Standing;
        var revoked = (await cluster.Client(id).RevokeTokenAsync(revoke, Cancellation)).Outcome;
        var decision = (await cluster.AskAsync(id)).Kind;
        await cluster.ExecuteAsync("alter table revocation_elsewhere rename to revocation");

        Assert.False(page.Known);
        Assert.Equal(TokenStanding.Unknown, standing);
        Assert.Equal(ClientOutcome.Unavailable, revoked);
        Assert.Equal(DecisionKind.Allowed, decision);
        Assert.True((await feed.ReadAsync(null, 10, Cancellation)).Known);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(revoke, Cancellation)).Outcome);
        Assert.Equal(TokenStanding.Inactive, (await cluster.Client(id).CheckTokenAsync(check, Cancellation)).Standing);
    }

    private async Task<int> AuditedAsync(SetEnabledCommand command) => Assert.Single(
        await cluster.QueryAsync<int>("select count(*) from audit where audit_id = @Id", new { Id = command.Actor.AuditId }));

    /// <summary>Brings storage back, and lets the time pass in which the silos ask it rarely.</summary>
    private async Task MendAsync(params string[] ids)
    {
        foreach (var id in ids)
        {
            cluster.Failures.End(id);
        }

        await cluster.RecoverAsync();
    }
}
