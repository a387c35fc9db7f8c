using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.StoredState;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>How one administrative change runs: what is read before it, when it is a repeat, and when it is refused.</summary>
public sealed class ClientAdministrationTests : IAsyncLifetime
{
    private readonly SqliteTables _tables = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _tables.MigrateAsync();

    public ValueTask DisposeAsync() => _tables.DisposeAsync();

    [Fact]
    public Task A_change_is_stored_and_answered_with_the_etag_of_the_stored_client() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient, _tables.Database);
        var before = client.Row.Stored!.ETag;

        var change = await DisableAsync(client, Actor());

        Assert.Equal(ClientOutcome.Done, change.Outcome);
        Assert.Equal((false, change.ETag), (client.Table.Row!.Enabled, client.Table.Row.ETag));
        Assert.NotEqual(before, change.ETag);
    });

    [Fact]
    public Task A_change_that_is_asked_for_again_is_made_once_and_answered_as_the_first_time() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient, _tables.Database);
        var actor = Actor();

        var first = await RevokeTokensAsync(client, actor);
        await DisableAsync(client, Actor());
        var again = await RevokeTokensAsync(client, actor);

        Assert.Equal((ClientOutcome.Done, first.ETag), (again.Outcome, again.ETag));
        Assert.Equal(3, client.Table.Row!.Revision);
    });

    [Fact]
    public Task A_change_that_the_client_has_forgotten_is_known_by_its_audit_entry() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient, _tables.Database);
        var actor = Actor();
        await _tables.ExecuteAsync(
            """
            insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id)
            values (@AuditId, 0, 'tester', 'client.disable', '', '', '', '')
            """,
            new { actor.AuditId });

        var change = await DisableAsync(client, actor);

        Assert.Equal((ClientOutcome.Done, null), (change.Outcome, change.Next));
        Assert.True(client.Table.Row!.Enabled);
    });

    [Fact]
    public Task A_change_is_not_made_while_nobody_can_say_whether_it_was_made_before() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient, _tables.Database);
        await _tables.ExecuteAsync("drop table audit");

        var change = await DisableAsync(client, Actor());

        Assert.Equal(ClientOutcome.Unavailable, change.Outcome);
        Assert.True(client.Table.Row!.Enabled);
    });

    [Theory]
    [InlineData(1, ClientOutcome.LastAdmin)]
    [InlineData(2, ClientOutcome.Done)]
    public Task The_last_enabled_admin_cannot_be_disabled(int admins, ClientOutcome expected) => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(Document("authcluster:admin")), _tables.Database);
        for (var i = 0; i < admins; i++)
        {
            await _tables.ExecuteAsync(
                """
                insert into client_catalogue
                    (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
                values (@Id, '', '', '', 1, 1, 0, '{}', '', 1, 0, 0)
                """,
                new { Id = $"admin-{i}" });
        }

        var change = await DisableAsync(client, Actor(), mayEndAdmin: true);

        Assert.Equal(expected, change.Outcome);
        Assert.Equal(expected == ClientOutcome.LastAdmin, client.Table.Row!.Enabled);
    });

    [Fact]
    public Task What_an_older_build_left_in_the_outbox_is_written_before_the_change() => ActivationTurns.RunAsync(async () =>
    {
        var item = new OutboxItem { AuditId = "left", At = ClientInParts.Start, Actor = "tester", Action = "client.update", Target = "" };
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient with { Outbox = [item] }, _tables.Database);

        Assert.Equal(ClientOutcome.Done, (await DisableAsync(client, Actor())).Outcome);

        Assert.Empty(client.Table.Row!.Outbox);
        Assert.Equal(2, client.Table.Writes);
    });

    [Fact]
    public Task A_change_is_refused_while_the_row_is_unknown() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient, _tables.Database);
        client.Table.ReadFailure = new TimeoutException();

        Assert.Equal(ClientOutcome.Unavailable, (await DisableAsync(client, Actor())).Outcome);

        Assert.Equal(0, client.Table.Writes);
    });

    private static Task<Change> DisableAsync(ClientInParts client, ActorRecord actor, bool mayEndAdmin = false) =>
        client.Administration.RunAsync(
            actor, (state, _) => ClientChanges.SetEnabled(state, new SetEnabledCommand(false, null, actor)), mayEndAdmin, Cancellation);

    private static Task<Change> RevokeTokensAsync(ClientInParts client, ActorRecord actor) =>
        client.Administration.RunAsync(
            actor, (state, _) => ClientChanges.RevokeTokens(state, new RevokeTokensCommand(null, actor)), mayEndAdmin: false, Cancellation);
}
