using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.StoredState;
using AuthCluster.Storage;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What each command makes of a client's state.</summary>
public sealed class ClientChangesTests
{
    public static TheoryData<string> CommandsWithIfMatch => ["replace", "patch", "disable", "delete", "revoke tokens", "add a secret", "revoke a secret"];

    [Theory]
    [MemberData(nameof(CommandsWithIfMatch))]
    public void A_command_changes_the_client_only_if_its_etag_is_the_present_one_or_none(string command)
    {
        var client = ChangedClient.Created(SecretOf("one", "s1"), SecretOf("two", "s2"));
        var present = client.State!.ETag;

        var stale = Decide(client, command, "0-0");

        Assert.Equal((ClientOutcome.Stale, null), (stale.Outcome, stale.Next));
        Assert.NotNull(Decide(client, command, present).Next);
        Assert.NotNull(Decide(client, command, null).Next);
    }

    [Theory]
    [MemberData(nameof(CommandsWithIfMatch))]
    public void A_command_about_a_client_that_does_not_exist_or_was_deleted_finds_none(string command)
    {
        var nobody = new ChangedClient();
        var deleted = ChangedClient.Created();
        deleted.Delete();

        Assert.Equal((ClientOutcome.NotFound, null), (Decide(nobody, command, null).Outcome, Decide(nobody, command, null).Next));
        Assert.Equal(ClientOutcome.NotFound, Decide(deleted, command, deleted.State!.ETag).Outcome);
    }

    [Theory]
    [MemberData(nameof(CommandsWithIfMatch))]
    public void Of_what_is_not_there_only_a_deletion_may_be_the_repeat_of_one_and_never_where_there_was_no_client(string command)
    {
        var deleted = ChangedClient.Created();
        deleted.Delete();

        Assert.Equal(command is "delete", Decide(deleted, command, null).MustHold);
        Assert.False(Decide(new ChangedClient(), command, null).MustHold);
        Assert.False(Decide(new ChangedClient { State = ClientState.NeverExisted }, command, null).MustHold);
    }

    [Fact]
    public void An_id_is_taken_while_its_client_is_there_and_for_a_bootstrap_for_ever()
    {
        var client = ChangedClient.Created();
        var creation = Creation(Document("read"));

        Assert.Equal(ClientOutcome.Taken, client.Create(creation).Outcome);
        client.Delete();
        Assert.Equal(ClientOutcome.Taken, client.Create(creation with { OnlyIfNeverExisted = true }).Outcome);
        Assert.Equal(ClientOutcome.Done, client.Create(creation).Outcome);
        var neverExisted = new ChangedClient { State = ClientState.NeverExisted };
        Assert.Equal(ClientOutcome.Done, neverExisted.Create(creation with { OnlyIfNeverExisted = true }).Outcome);
    }

    [Fact]
    public void A_client_that_is_created_anew_goes_on_with_generation_and_revision_and_has_nothing_else_of_the_deleted_one()
    {
        var client = ChangedClient.Created();
        client.RevokeTokens();
        client.State = client.State! with { LimitOwner = "an activation", LimitLevel = 3 };
        client.Delete();
        var (generation, revision) = (client.State!.Generation, client.State.Revision);

        client.Create(Creation(Document("write"), SecretOf("new", "new")) with { Enabled = false });

        Assert.Equal((generation, revision + 1), (client.State!.Generation, client.State.Revision));
        Assert.Equal((false, false, null, null), (client.State.Deleted, client.State.Enabled, client.State.LimitOwner, client.State.LimitLevel));
        Assert.Equal(["new"], client.State.Secrets.Select(secret => secret.Id));
    }

    [Fact]
    public void A_tombstone_keeps_the_counts_and_the_used_quota_and_nothing_that_the_client_was()
    {
        var client = ChangedClient.Created();
        client.Replace(Document("read").ToJsonString(), enabled: true);
        var quota = new QuotaReservation("hour", client.Now, Reserved: 7);
        client.State = client.State! with { Quota = quota, LimitOwner = "an activation", LimitLevel = 3 };
        var before = client.State;

        var change = client.Delete();

        Assert.True(change.EndsTokens);
        Assert.Equal((true, before.Generation + 1, before.Revision + 1), (client.State!.Deleted, client.State.Generation, client.State.Revision));
        Assert.Same(quota, client.State.Quota);
        var stored = Encoding.UTF8.GetString(new ClientStateSerializer(StorageProvider.Sqlite).Serialize(client.State).ToArray());
        Assert.Null(client.View);
        Assert.All(["A client", "read", "s1", "activation", "document"], text => Assert.DoesNotContain(text, stored, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, false)]
    [InlineData(true, null, false)]
    [InlineData(false, null, false)]
    public void Replacing_ends_the_tokens_exactly_when_it_disables_an_enabled_client(bool before, bool? asked, bool ends)
    {
        var client = new ChangedClient();
        client.Create(Creation(Document("read")) with { Enabled = before });

        var change = client.Replace(Document("write").ToJsonString(), asked);

        Assert.Equal((ends, ends ? 1 : 0, asked ?? before), (change.EndsTokens, client.State!.Generation, client.State.Enabled));
    }

    [Fact]
    public void Disabling_and_revoking_end_the_tokens_and_enabling_does_not()
    {
        var client = ChangedClient.Created();

        Assert.Equal((true, 1), (client.SetEnabled(false).EndsTokens, client.State!.Generation));
        Assert.Equal((false, 1), (client.SetEnabled(true).EndsTokens, client.State!.Generation));
        Assert.Equal((true, 2), (client.RevokeTokens().EndsTokens, client.State!.Generation));
        Assert.True(client.State.Enabled);
    }

    [Fact]
    public void A_patch_that_makes_no_valid_document_is_no_change_and_says_what_is_wrong()
    {
        var client = ChangedClient.Created();

        var change = Decide(client, "patch", null, """{ "scopes": 1 }""");

        Assert.Null(change.Next);
        Assert.Contains(change.Problems, problem => problem.Field == "scopes");
    }

    [Fact]
    public void A_patch_may_disable_the_client_and_ends_its_tokens_then()
    {
        var client = ChangedClient.Created();

        var change = Decide(client, "patch", null, """{ "enabled": false, "name": "Renamed" }""");

        Assert.Equal((true, false, 1), (change.EndsTokens, change.Next!.Enabled, change.Next.Generation));
        Assert.Contains("Renamed", change.Next.Document!.Value.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_audit_shows_the_document_before_and_after_with_whether_the_client_is_enabled()
    {
        var client = ChangedClient.Created();

        var action = Assert.Single(client.Replace(Document("write").ToJsonString(), enabled: false).Actions);

        Assert.Equal("client.update", action.Action);
        Assert.Equal("""{"name":"A client","scopes":["read"],"enabled":true}""", action.Before!.Value.GetRawText());
        Assert.Equal("""{"name":"A client","scopes":["write"],"enabled":false}""", action.After!.Value.GetRawText());
        Assert.Null(Assert.Single(client.Delete().Actions).After);
    }

    private static Change Decide(ChangedClient client, string command, string? ifMatch, string patch = """{ "name": "Renamed" }""") => command switch
    {
        "replace" => ClientChanges.Replace(
            client.State, new ReplaceClientCommand { DocumentJson = Document("write").ToJsonString(), IfMatch = ifMatch, Actor = Actor() }),
        "patch" => client.Changes.Patch(
            client.State, new PatchClientCommand { Patch = [.. Encoding.UTF8.GetBytes(patch)], IfMatch = ifMatch, Actor = Actor() }, 3_600),
        "disable" => ClientChanges.SetEnabled(client.State, new SetEnabledCommand(false, ifMatch, Actor())),
        "delete" => ClientChanges.Delete(client.State, new DeleteClientCommand(ifMatch, Actor())),
        "revoke tokens" => ClientChanges.RevokeTokens(client.State, new RevokeTokensCommand(ifMatch, Actor())),
        "add a secret" => client.Changes.AddSecret(
            client.State, new AddSecretCommand(SecretOf("added", "added"), null, ifMatch, Actor(), null, client.Now), client.Time),
        _ => ClientChanges.RevokeSecret(client.State, new RevokeSecretCommand("s1", false, ifMatch, Actor()), client.Time),
    };
}
