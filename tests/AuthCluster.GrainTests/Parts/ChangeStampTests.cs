using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Grains.StoredState;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What a change adds to the row, and the rows that it inserts elsewhere.</summary>
public sealed class ChangeStampTests
{
    private static readonly DateTimeOffset Start = ClientInParts.Start;

    [Fact]
    public void The_first_audit_entry_has_the_id_of_the_change_and_the_others_are_numbered_after_it()
    {
        var client = ChangedClient.Created(SecretOf("a", "a"), SecretOf("b", "b"));
        var command = new AddSecretCommand(SecretOf("new", "new"), TimeSpan.FromHours(1), null, Actor(), null, client.Now);

        client.AddSecret(command);

        var id = command.Actor.AuditId;
        Assert.Equal([(id, "secret.add"), ($"{id}.1", "secret.retire"), ($"{id}.2", "secret.retire")], client.Rows.Audit.Select(entry => (entry.Record.AuditId, entry.Record.Action)));
        Assert.All(client.Rows.Audit, entry => Assert.Equal(
            (ChangedClient.Id, "tester", "127.0.0.1", "request"), (entry.ClientId, entry.Record.Actor, entry.Record.RemoteAddress, entry.Record.RequestId)));
    }

    [Fact]
    public void A_secret_that_ended_long_ago_goes_with_the_next_change_and_the_audit_says_that_it_expired()
    {
        var client = ChangedClient.Created(SecretOf("a", "stays"), SecretOf("b", "ended", expiresAt: Start));
        client.Now = Start.AddDays(30);

        client.RevokeTokens();

        Assert.Equal(["stays"], client.State!.Secrets.Select(secret => secret.Id));
        Assert.Equal(
            [("tester", "client.revoke-tokens"), ("system:expiry", "secret.expire")], client.Rows.Audit.Select(entry => (entry.Record.Actor, entry.Record.Action)));
        Assert.Contains("\"ended\"", client.Rows.Audit[1].Record.BeforeJson, StringComparison.Ordinal);
    }

    [Fact]
    public void While_the_clock_is_in_doubt_no_secret_is_dropped()
    {
        var client = ChangedClient.Created(SecretOf("a", "stays"), SecretOf("b", "ended", expiresAt: Start));
        (client.Now, client.IsSteady) = (Start.AddDays(30), false);

        client.RevokeTokens();

        Assert.Equal(2, client.State!.Secrets.Length);
        Assert.Single(client.Rows.Audit);
    }

    [Fact]
    public void Deleting_a_client_writes_no_audit_entry_for_each_of_its_ended_secrets()
    {
        var client = ChangedClient.Created(SecretOf("a", "stays"), SecretOf("b", "ended", expiresAt: Start));
        client.Now = Start.AddDays(30);

        client.Delete();

        Assert.Equal("client.delete", Assert.Single(client.Rows.Audit).Record.Action);
    }

    [Fact]
    public void The_feed_is_told_of_a_change_that_ends_tokens_and_of_no_other()
    {
        var client = ChangedClient.Created();
        Assert.Empty(client.Rows.Revocations);

        client.SetEnabled(false);
        Assert.Equal(
            new RevocationItem(RevokedKind.Client, ChangedClient.Id, ChangedClient.Id, ChangedClient.Floor + 1, client.State!.UpdatedAt.AddHours(24)),
            Assert.Single(client.Rows.Revocations));

        client.SetEnabled(true);
        Assert.Empty(client.Rows.Revocations);
    }

    [Fact]
    public void The_catalogue_shows_the_client_as_it_is_now_and_of_a_deleted_client_only_its_deletion()
    {
        var client = ChangedClient.Created(SecretOf("a", "s1", expiresAt: Start.AddDays(1)));

        var shown = client.Rows.Catalogue!;
        Assert.Equal(
            (ChangedClient.Id, "A client", true, false, client.State!.ETag, 1), (shown.ClientId, shown.Name, shown.Enabled, shown.Deleted, shown.ETag, shown.Version));
        Assert.Equal(
            [(CataloguePart.ScopeKind, "read", null), (CataloguePart.SecretKind, "s1", Start.AddDays(1))],
            shown.Parts.Select(part => (part.Kind, part.Value, part.ExpiresAt)));

        client.Delete();
        var gone = client.Rows.Catalogue!;
        Assert.Equal(("", "", false, true, 2), (gone.Name, gone.Document, gone.Enabled, gone.Deleted, gone.Version));
        Assert.Empty(gone.Parts);
    }

    [Fact]
    public void Changes_at_the_same_moment_have_times_a_millisecond_apart_in_their_order()
    {
        var client = ChangedClient.Created();
        client.Now = Start.AddTicks(12_345);

        List<DateTimeOffset> times = [];
        for (var i = 0; i < 3; i++)
        {
            client.RevokeTokens();
            times.Add(Assert.Single(client.Rows.Audit).Record.At);
            Assert.Equal(times[^1], client.State!.UpdatedAt);
        }

        Assert.Equal([Start.AddMilliseconds(1), Start.AddMilliseconds(2), Start.AddMilliseconds(3)], times);
    }

    [Theory]
    [InlineData(60, true)]
    [InlineData(61, false)]
    public void The_time_of_a_change_follows_one_that_is_ahead_by_a_minute_and_not_one_that_only_a_wrong_clock_gave(int secondsAhead, bool follows)
    {
        var client = ChangedClient.Created();
        client.Now = Start.AddSeconds(secondsAhead);
        client.RevokeTokens();
        client.Now = Start;

        client.RevokeTokens();

        Assert.Equal(follows ? Start.AddSeconds(secondsAhead).AddMilliseconds(1) : Start, client.State!.UpdatedAt);
    }

    [Fact]
    public void The_last_eight_changes_of_the_last_minute_are_remembered_by_their_etags()
    {
        var client = ChangedClient.Created();
        List<string> etags = [];
        for (var i = 0; i < 10; i++)
        {
            client.Now += TimeSpan.FromSeconds(1);
            etags.Add(client.RevokeTokens().ETag!);
        }

        Assert.Equal(etags.TakeLast(8), client.State!.Recent.Select(change => change.ETag));
        client.Now += TimeSpan.FromSeconds(58);
        client.RevokeTokens();
        Assert.Equal([etags[^2], etags[^1], client.State.ETag], client.State.Recent.Select(change => change.ETag));
    }

    [Fact]
    public void While_the_clock_is_in_doubt_only_the_number_of_recent_changes_makes_one_forgotten()
    {
        var client = ChangedClient.Created();
        (client.Now, client.IsSteady) = (Start.AddYears(1), false);

        client.RevokeTokens();

        Assert.Equal(2, client.State!.Recent.Length);
    }

    [Fact]
    public void Rows_that_an_earlier_build_left_to_write_are_written_with_the_next_change_and_before_its_own()
    {
        var client = ChangedClient.Created();
        var untold = new OutboxItem
        {
            AuditId = "earlier",
            At = Start,
            Actor = "somebody",
            Action = "client.disable",
            Target = ChangedClient.Id,
            EndsTokensBelow = 1,
        };
        client.State = client.State! with { Outbox = [untold] };

        client.RevokeTokens();

        Assert.Equal(["client.disable", "client.revoke-tokens"], client.Rows.Audit.Select(entry => entry.Record.Action));
        Assert.Equal(2, client.Rows.Revocations.Count);
        Assert.Empty(client.State!.Outbox);
    }
}
