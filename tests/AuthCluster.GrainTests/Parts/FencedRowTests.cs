using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.StoredState;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What the fence asks of one activation: it decides by no state that an answered write has replaced, whoever wrote it.</summary>
public sealed class FencedRowTests : IAsyncLifetime
{
    private readonly SqliteTables _tables = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _tables.MigrateAsync();

    public ValueTask DisposeAsync() => _tables.DisposeAsync();

    [Fact]
    public Task An_activation_whose_state_was_made_void_reads_the_row_before_it_decides() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Table.Set(ClientInParts.Disabled(client.Row.Stored!));
        Assert.Equal(DecisionKind.Allowed, (await client.Ask(1)[0]).Kind);

        client.Rights.Fence.Void(client.Row.Key, client.Row.Version + 1, client.Rights.Now);

        Assert.False(client.Row.CanDecide);
        Assert.Equal(Refusal.ClientDisabled, (await client.Ask(1)[0]).Refusal);
    });

    [Fact]
    public Task An_activation_whose_state_was_made_void_decides_nothing_while_the_row_cannot_be_read() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Table.ReadFailure = new TimeoutException();

        client.Rights.Fence.Void(client.Row.Key, client.Row.Version + 1, client.Rights.Now);

        Assert.Equal(DecisionKind.Unavailable, (await client.Ask(1)[0]).Kind);
        Assert.Equal(TokenStanding.Unknown, await client.Decisions.CheckAsync(new CheckTokenCommand("jti", client.Decisions.PresentGeneration)));
        Assert.Equal(DecisionKind.Unavailable, (await client.Decisions.AuthenticateAsync(Shown())).Kind);
    });

    [Fact]
    public Task A_read_that_brings_an_older_row_than_an_answered_write_is_not_taken() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        client.Rights.Fence.Void(client.Row.Key, 2, client.Rights.Now);

        await client.Row.OpenAsync(Cancellation);
        Assert.False(client.Row.CanDecide);

        client.Table.Set(ClientInParts.Disabled(client.Table.Row!));
        client.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await client.Row.EnsureReadAsync());
        Assert.False(client.Row.Policy!.Enabled);
    });

    [Fact]
    public Task A_write_that_returns_after_a_later_one_was_answered_is_stored_and_not_decided_by() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        var barrier = client.Table.BeforeWrite = new Barrier();
        var writing = client.DisableAsync();
        await barrier.Reached;
        client.Rights.Fence.Void(client.Row.Key, client.Row.Version + 2, client.Rights.Now);
        barrier.Open();

        Assert.NotNull(await writing);
        Assert.False(client.Row.CanDecide);
    });

    [Fact]
    public Task A_change_that_changes_nothing_moves_the_version_of_the_row_and_holds_on_every_silo() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient, _tables.Database);
        var before = client.Row.Version;

        var change = await EnableAsync(client);

        Assert.Equal((ClientOutcome.Done, before + 1), (change.Outcome, change.StoredVersion));
        Assert.Equal(before + 1, client.Row.Version);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task What_is_gone_in_memory_alone_is_read_again_and_deleted(bool isGone) => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(TombstoneOf(ClientInParts.PlainClient), _tables.Database);
        // Another silo creates the client anew, and this one is not told.
        client.Table.Set(isGone ? client.Table.Row : ClientInParts.PlainClient with { Revision = 3, Generation = 1, CreatedAt = ClientInParts.Start.AddMinutes(1) });
        var written = client.Table.Writes;

        var change = await DeleteAsync(client);

        Assert.Equal(isGone ? ClientOutcome.NotFound : ClientOutcome.Done, change.Outcome);
        Assert.Equal((true, written + 1), (client.Table.Row!.Deleted, client.Table.Writes));
        Assert.Equal(client.Row.Version, change.StoredVersion);
    });

    [Fact]
    public Task A_refused_change_writes_nothing() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient, _tables.Database);

        var change = await client.Administration.RunAsync(
            Actor(), (state, _) => ClientChanges.SetEnabled(state, new SetEnabledCommand(true, "another etag", Actor())), mayEndAdmin: false, Cancellation);

        Assert.Equal((ClientOutcome.Stale, null, 0), (change.Outcome, change.StoredVersion, client.Table.Writes));
    });

    [Fact]
    public Task A_silo_without_the_right_to_decide_gives_no_token_until_it_has_the_right_again() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Rights.Fence.Void(client.Rights.Keys.Key, 2, client.Rights.Now);

        var asked = client.Ask(1)[0];
        Assert.False(asked.IsCompleted);
        client.Rights.Keys.TryInstall(2, client.Rights.Now, client.Rights.Now);
        client.Rights.Look(failedBegan: null);

        Assert.Equal(DecisionKind.Allowed, (await asked).Kind);
    });

    [Fact]
    public Task A_limited_client_gets_its_first_token_after_its_claim_holds_on_every_silo() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithRateLimit(5)));

        Assert.Equal(DecisionKind.Allowed, (await client.Ask(1)[0]).Kind);

        Assert.Equal([client.Row.Version], client.Confirmed);
    });

    private static ClientState TombstoneOf(ClientState state) =>
        ClientChanges.Delete(state, new DeleteClientCommand(null, Actor())).Next! with { Revision = state.Revision + 1 };

    private static Task<Change> DeleteAsync(ClientInParts client)
    {
        var actor = Actor();
        return client.Administration.RunAsync(
            actor, (state, _) => ClientChanges.Delete(state, new DeleteClientCommand(null, actor)), mayEndAdmin: false, Cancellation);
    }

    private static Task<Change> EnableAsync(ClientInParts client)
    {
        var actor = Actor();
        return client.Administration.RunAsync(
            actor, (state, _) => ClientChanges.SetEnabled(state, new SetEnabledCommand(true, null, actor)), mayEndAdmin: false, Cancellation);
    }

    private static PresentedSecret Shown() => Ask().Secret;
}
