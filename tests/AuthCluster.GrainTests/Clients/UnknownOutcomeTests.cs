using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>A write that got no answer and reaches the database after the row was read again.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class UnknownOutcomeTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Administrative changes of a client that exists.</summary>
    public static TheoryData<string> Changes => ["disable", "delete", "revoke tokens", "replace", "add a secret"];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Memory_and_row_agree_after_a_write_that_arrives_after_the_row_was_read(string change)
    {
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        await BeginAsync(id, change);

        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        var read = await cluster.AskAsync(id);
        var landed = await cluster.Failures.LandAsync(id);
        await cluster.ForgetAsync(id);
        var stored = await cluster.AskAsync(id);

        Assert.Equal((DecisionKind.Allowed, generation), (read.Kind, read.Grant?.Generation));
        Assert.False(landed);
        Assert.Equal((DecisionKind.Allowed, generation), (stored.Kind, stored.Grant?.Generation));
        Assert.Single((await cluster.Client(id).GetAsync(Cancellation)).Client!.Secrets);
    }

    [Fact]
    public async Task A_creation_that_arrives_after_the_row_was_read_creates_nothing_and_leaves_the_id_free()
    {
        var id = NewId();
        cluster.Failures.Of(id, Failure.LandsLater);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).CreateAsync(Creation(Document("read")), Cancellation)).Outcome);

        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        var read = await cluster.Client(id).GetAsync(Cancellation);
        var landed = await cluster.Failures.LandAsync(id);
        var stored = await cluster.Client(id).GetAsync(Cancellation);
        var bootstrap = await cluster.Client(id).CreateAsync(Creation(Document("read")) with { OnlyIfNeverExisted = true }, Cancellation);

        Assert.Equal(ClientOutcome.NotFound, read.Outcome);
        Assert.False(landed);
        Assert.Equal(ClientOutcome.NotFound, stored.Outcome);
        Assert.Equal(ClientOutcome.Done, bootstrap.Outcome);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
    }

    [Fact]
    public async Task A_deleted_id_stays_deleted_to_a_bootstrap_after_a_creation_of_unknown_outcome()
    {
        var id = await cluster.CreateAsync(Document("read"));
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation)).Outcome);
        cluster.Failures.Of(id, Failure.LandsLater);
        Assert.Equal(ClientOutcome.Unavailable, (await cluster.Client(id).CreateAsync(Creation(Document("read")), Cancellation)).Outcome);

        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        await cluster.Client(id).GetAsync(Cancellation);

        Assert.False(await cluster.Failures.LandAsync(id));
        var bootstrap = await cluster.Client(id).CreateAsync(Creation(Document("read")) with { OnlyIfNeverExisted = true }, Cancellation);
        Assert.Equal(ClientOutcome.Taken, bootstrap.Outcome);
    }

    [Theory]
    [InlineData(Failure.Down)]
    [InlineData(Failure.LostOnTheWay)]
    [InlineData(Failure.AnswerLost)]
    public async Task While_the_outcome_stays_unknown_nothing_is_decided_and_nothing_forgotten(Failure meanwhile)
    {
        var id = await cluster.CreateAsync(Document("read"));
        await BeginAsync(id, "disable");
        cluster.Failures.Of(id, meanwhile);
        await cluster.RecoverAsync();

        var during = await cluster.AskAsync(id);
        var get = await cluster.Client(id).GetAsync(Cancellation);
        var change = await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        var after = await cluster.AskAsync(id);

        Assert.Equal((DecisionKind.Unavailable, ClientOutcome.Unavailable, ClientOutcome.Unavailable), (during.Kind, get.Outcome, change.Outcome));
        Assert.Equal(DecisionKind.Allowed, after.Kind);
        Assert.False(await cluster.Failures.LandAsync(id));
    }

    [Fact]
    public async Task An_activation_that_ends_first_makes_its_unanswered_write_lose()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await BeginAsync(id, "disable");
        cluster.Failures.End(id);
        await cluster.RecoverAsync();

        await cluster.ForgetAsync(id);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        Assert.False(await cluster.Failures.LandAsync(id));
    }

    [Fact]
    public async Task An_unreadable_row_is_read_again_once_it_is_repaired_also_after_a_write_of_unknown_outcome()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await BeginAsync(id, "disable");
        var readable = await cluster.RowAsync(id);
        await cluster.SetRowAsync(id, "{ not json");
        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        Assert.Equal(DecisionKind.Unavailable, (await cluster.AskAsync(id)).Kind);

        await cluster.SetRowAsync(id, readable);
        await cluster.RecoverAsync();

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).GetAsync(Cancellation)).Outcome);
    }

    /// <summary>Asks for a change whose write is held on its way.</summary>
    private async Task BeginAsync(string id, string change)
    {
        cluster.Failures.Of(id, Failure.LandsLater);
        var grain = cluster.Client(id);
        var answer = await (change switch
        {
            "disable" => grain.SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation),
            "delete" => grain.DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation),
            "revoke tokens" => grain.RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation),
            "replace" => grain.ReplaceAsync(new ReplaceClientCommand { DocumentJson = Document("other").ToJsonString(), Enabled = false, Actor = Actor() }, Cancellation),
            _ => grain.AddSecretAsync(new AddSecretCommand(SecretOf("added", "added"), null, null, Actor(), null, cluster.Clock.GetUtcNow()), Cancellation),
        });
        Assert.Equal(ClientOutcome.Unavailable, answer.Outcome);
    }
}
