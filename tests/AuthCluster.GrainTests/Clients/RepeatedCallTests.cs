using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Fence;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>An administrator sends the same call again, because a silo could not be asked at the first one: that confirms the change and makes no other one.</summary>
public sealed class RepeatedCallTests(DoubtedCluster doubted) : IClassFixture<DoubtedCluster>, IDisposable
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private GrainCluster Cluster => doubted.Grains;

    public static TheoryData<string> ChangesOfAnETag => ["replace", "replace and disable", "patch", "disable", "enable"];

    public static TheoryData<string> OtherAtARepeat => ["revoke tokens", "add a secret"];

    public static TheoryData<string> Deletions => ["delete", "revoke a secret"];

    public void Dispose() => doubted.Outcome = FenceOutcome.Everywhere;

    [Theory]
    [MemberData(nameof(Deletions))]
    public async Task A_deletion_is_not_confirmed_until_it_holds_everywhere_and_then_finds_nothing(string deletion)
    {
        var id = await CreateAsync();
        doubted.Outcome = FenceOutcome.NotEverywhere;

        var first = await SendAsync(id, deletion);
        var again = await SendAsync(id, deletion);
        doubted.Outcome = FenceOutcome.Unknown;
        var unknown = await SendAsync(id, deletion);
        doubted.Outcome = FenceOutcome.Everywhere;
        var confirmed = await SendAsync(id, deletion);

        Assert.All([first, again], answer => Assert.Equal((ClientOutcome.Done, DoubtedCluster.InDoubtFor), (answer.Outcome, answer.UnconfirmedFor)));
        Assert.Equal(ClientOutcome.Unavailable, unknown.Outcome);
        Assert.Equal((ClientOutcome.NotFound, null), (confirmed.Outcome, confirmed.UnconfirmedFor));
        Assert.Equal(4, doubted.ConfirmationsOf(id));
        Assert.Equal(2, await AuditedAsync(id));
    }

    [Fact]
    public async Task A_deletion_of_an_id_that_never_was_waits_for_nobody()
    {
        var id = NewId();
        doubted.Outcome = FenceOutcome.NotEverywhere;

        Assert.Equal(ClientOutcome.NotFound, (await SendAsync(id, "delete")).Outcome);
        Assert.Equal(ClientOutcome.NotFound, (await SendAsync(id, "revoke a secret")).Outcome);

        Assert.Equal(0, doubted.ConfirmationsOf(id));
    }

    [Fact]
    public async Task A_secret_that_was_never_there_is_not_found_at_once()
    {
        var id = await CreateAsync();
        doubted.Outcome = FenceOutcome.NotEverywhere;

        Assert.Equal(ClientOutcome.NotFound, (await SendAsync(id, "revoke a secret that was never there")).Outcome);
    }

    [Fact]
    public async Task A_revoked_secret_stays_gone_whatever_etag_its_revocation_names()
    {
        var id = await CreateAsync();
        var etag = await ETagAsync(id);
        doubted.Outcome = FenceOutcome.NotEverywhere;

        var first = await SendAsync(id, "revoke a secret", etag);
        var again = await SendAsync(id, "revoke a secret", etag);

        Assert.NotNull(first.Client);
        // Another may have changed the client since the first one, so this answer must name no ETag.
        Assert.Equal((ClientOutcome.Done, DoubtedCluster.InDoubtFor, null, null), (again.Outcome, again.UnconfirmedFor, again.Client, again.ETag));
    }

    [Theory]
    [MemberData(nameof(ChangesOfAnETag))]
    public async Task A_change_of_an_etag_is_confirmed_by_the_same_call_with_that_etag(string change)
    {
        var id = await CreateForAsync(change);
        var etag = await ETagAsync(id);
        var audited = await AuditedAsync(id);
        doubted.Outcome = FenceOutcome.NotEverywhere;

        var first = await SendAsync(id, change, etag);
        var again = await SendAsync(id, change, etag);
        doubted.Outcome = FenceOutcome.Everywhere;
        var confirmed = await SendAsync(id, change, etag);

        Assert.NotEqual(etag, first.ETag);
        Assert.All([first, again], answer => Assert.Equal(DoubtedCluster.InDoubtFor, answer.UnconfirmedFor));
        Assert.Null(confirmed.UnconfirmedFor);
        Assert.All([first, again, confirmed], answer => Assert.Equal(
            (ClientOutcome.Done, first.ETag, first.ETag, first.Client!.DocumentJson, first.Client.UpdatedAt),
            (answer.Outcome, answer.ETag, answer.Client!.ETag, answer.Client.DocumentJson, answer.Client.UpdatedAt)));
        Assert.Equal(audited + 1, await AuditedAsync(id));
        Assert.Equal(ClientOutcome.Stale, (await SendAsync(id, change, etag)).Outcome);
    }

    [Theory]
    [MemberData(nameof(ChangesOfAnETag))]
    public async Task A_change_of_an_etag_is_stale_when_another_was_made_of_it_or_one_came_after_it(string change)
    {
        var id = await CreateForAsync(change);
        var etag = await ETagAsync(id);
        doubted.Outcome = FenceOutcome.NotEverywhere;
        var made = (await SendAsync(id, change, etag)).ETag!;

        Assert.Equal(ClientOutcome.Stale, (await SendAsync(id, change, etag, "another administrator")).Outcome);
        foreach (var other in ChangesOfAnETag.Select(row => row.Data).Where(other => other != change))
        {
            Assert.Equal(ClientOutcome.Stale, (await SendAsync(id, other, etag)).Outcome);
        }

        Assert.Equal(made, await ETagAsync(id));
        var later = (await SendAsync(id, "revoke tokens")).ETag!;
        Assert.Equal(ClientOutcome.Stale, (await SendAsync(id, change, etag)).Outcome);
        // The same change of a later state is not the one that was asked for of the earlier.
        var last = await SendAsync(id, change);
        Assert.Equal(ClientOutcome.Stale, (await SendAsync(id, change, etag)).Outcome);
        Assert.Equal((ClientOutcome.Done, last.ETag), ((await SendAsync(id, change, later)).Outcome, await ETagAsync(id)));
    }

    [Theory]
    [InlineData("disable")]
    [InlineData("enable")]
    public async Task What_a_client_is_already_is_confirmed_and_nothing_is_changed(string change)
    {
        var id = await CreateForAsync(change);
        var made = await SendAsync(id, change);
        var audited = await AuditedAsync(id);
        doubted.Outcome = FenceOutcome.NotEverywhere;

        var repeated = await SendAsync(id, change);

        Assert.Equal((ClientOutcome.Done, made.ETag, DoubtedCluster.InDoubtFor), (repeated.Outcome, repeated.ETag, repeated.UnconfirmedFor));
        Assert.Equal(audited, await AuditedAsync(id));
    }

    [Theory]
    [MemberData(nameof(OtherAtARepeat))]
    public async Task A_change_that_would_be_another_one_when_it_is_repeated_is_stale(string change)
    {
        var id = await CreateAsync();
        var etag = await ETagAsync(id);

        Assert.Equal(ClientOutcome.Done, (await SendAsync(id, change, etag)).Outcome);
        Assert.Equal(ClientOutcome.Stale, (await SendAsync(id, change, etag)).Outcome);
    }

    [Fact]
    public async Task A_creation_over_a_deleted_client_is_confirmed_by_the_same_key_and_without_a_key_finds_the_id_taken()
    {
        var (keyed, keyless) = (await CreateAsync(), await CreateAsync());
        await SendAsync(keyed, "delete");
        await SendAsync(keyless, "delete");
        var creation = Creation(Document("read"));
        doubted.Outcome = FenceOutcome.NotEverywhere;

        var first = await CreateAsync(keyed, creation with { IdempotencyId = "key" });
        var again = await CreateAsync(keyed, creation with { IdempotencyId = "key", Actor = Actor() });
        doubted.Outcome = FenceOutcome.Everywhere;
        var confirmed = await CreateAsync(keyed, creation with { IdempotencyId = "key", Actor = Actor() });

        Assert.All([first, again], answer => Assert.Equal(DoubtedCluster.InDoubtFor, answer.UnconfirmedFor));
        Assert.Null(confirmed.UnconfirmedFor);
        Assert.All([first, again, confirmed], answer => Assert.Equal((ClientOutcome.Done, first.ETag), (answer.Outcome, answer.ETag)));
        Assert.Equal(3, await AuditedAsync(keyed));
        Assert.Equal(ClientOutcome.Done, (await CreateAsync(keyless, creation with { Actor = Actor() })).Outcome);
        Assert.Equal(ClientOutcome.Taken, (await CreateAsync(keyless, creation with { Actor = Actor() })).Outcome);
    }

    [Fact]
    public async Task A_patch_that_makes_no_valid_document_waits_for_nobody()
    {
        var id = await CreateAsync();
        doubted.Outcome = FenceOutcome.Unknown;

        var answer = await Cluster.Client(id).PatchAsync(PatchOf("""{ "scopes": 1 }""", null, Actor()), Cancellation);

        Assert.Single(answer.Problems);
        Assert.Equal(0, doubted.ConfirmationsOf(id));
    }

    private Task<string> CreateAsync() => Cluster.CreateAsync(Document("read"), SecretOf(Secret), SecretOf("another", "s2"));

    private Task<ClientAnswer> CreateAsync(string id, CreateClientCommand command) => Cluster.Client(id).CreateAsync(command, Cancellation);

    private async Task<string> ETagAsync(string id) => (await Cluster.Client(id).GetAsync(Cancellation)).Client!.ETag;

    private async Task<int> AuditedAsync(string id) =>
        Assert.Single(await Cluster.QueryAsync<int>("select count(*) from audit where client_id = @Id", new { Id = id }));

    /// <summary>A client that the change does change.</summary>
    private async Task<string> CreateForAsync(string change)
    {
        var id = await CreateAsync();
        if (change == "enable")
        {
            await SendAsync(id, "disable");
        }

        return id;
    }

    /// <summary>Makes a call as a front end does: each has an audit id of its own.</summary>
    private async Task<ClientAnswer> SendAsync(string id, string change, string? ifMatch = null, string by = "tester")
    {
        var actor = Actor() with { Actor = by };
        var grain = Cluster.Client(id);
        return change switch
        {
            "delete" => await grain.DeleteAsync(new DeleteClientCommand(ifMatch, actor), Cancellation),
            "revoke a secret" => await grain.RevokeSecretAsync(new RevokeSecretCommand("s2", false, ifMatch, actor), Cancellation),
            "revoke a secret that was never there" => await grain.RevokeSecretAsync(new RevokeSecretCommand("s9", false, ifMatch, actor), Cancellation),
            "replace" => await grain.ReplaceAsync(ReplacementOf(null), Cancellation),
            "replace and disable" => await grain.ReplaceAsync(ReplacementOf(false), Cancellation),
            "patch" => (await grain.PatchAsync(PatchOf("""{ "name": "Renamed" }""", ifMatch, actor), Cancellation)).Answer,
            "disable" => await grain.SetEnabledAsync(new SetEnabledCommand(false, ifMatch, actor), Cancellation),
            "enable" => await grain.SetEnabledAsync(new SetEnabledCommand(true, ifMatch, actor), Cancellation),
            "revoke tokens" => await grain.RevokeTokensAsync(new RevokeTokensCommand(ifMatch, actor), Cancellation),
            _ => await grain.AddSecretAsync(new AddSecretCommand(SecretOf("new", actor.AuditId), null, ifMatch, actor, null, Cluster.Clock.GetUtcNow()), Cancellation),
        };

        ReplaceClientCommand ReplacementOf(bool? enabled) =>
            new() { DocumentJson = Document("write").ToJsonString(), Enabled = enabled, IfMatch = ifMatch, Actor = actor };
    }

    private static PatchClientCommand PatchOf(string patch, string? ifMatch, ActorRecord actor) =>
        new() { Patch = [.. Encoding.UTF8.GetBytes(patch)], IfMatch = ifMatch, Actor = actor };
}
