using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Secrets;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>How the commands about secrets change a client: they lock nobody out by mistake, and store nothing that a reader of the row can use.</summary>
public sealed class SecretChangesTests
{
    private static readonly DateTimeOffset Now = ClientInParts.Start;

    [Fact]
    public void A_secret_is_stored_as_a_hash_under_the_pepper_and_for_its_client_alone()
    {
        var stored = ChangedClient.Created(SecretOf("text", "s1")).State!.Secrets;

        Assert.Equal(("pepper", 32), (stored[0].PepperId, stored[0].Mac!.Length));
        Assert.NotEqual(Digest("text"), stored[0].Mac!);
        Assert.Equal(SecretFinding.Right, Check(ChangedClient.Id));
        Assert.Equal(SecretFinding.Wrong, Check("another"));

        SecretFinding Check(string client) => new SecretVerifier(client, ClientInParts.Peppers()).Check(stored, Present("text"), Now, out _);
    }

    [Fact]
    public void A_secret_known_only_by_a_slow_hash_is_stored_with_that_hash_and_no_fast_one()
    {
        var stored = ChangedClient.Created(SlowSecretOf("text")).State!.Secrets[0];

        Assert.Null(stored.Mac);
        Assert.Equal(Slow("text"), stored.SlowHash!.Expected);
    }

    [Fact]
    public void A_33rd_secret_is_too_many_until_another_is_revoked()
    {
        var client = ChangedClient.Created();
        for (var i = 1; i < 32; i++)
        {
            Assert.Equal(ClientOutcome.Done, client.AddSecret(SecretOf("more", $"more-{i}")).Outcome);
        }

        Assert.Equal(ClientOutcome.TooMany, client.AddSecret(SecretOf("more", "one-too-many")).Outcome);
        client.RevokeSecret("more-1");
        Assert.Equal(ClientOutcome.Done, client.AddSecret(SecretOf("more", "again")).Outcome);
    }

    [Fact]
    public void Retiring_the_others_ends_each_at_the_given_time_or_sooner_and_the_audit_tells_of_those_that_it_ended()
    {
        var end = Now.AddHours(1);
        var client = ChangedClient.Created(
            SecretOf("a", "stays", expiresAt: Now.AddMinutes(5)), SecretOf("b", "later", expiresAt: Now.AddDays(5)), SecretOf("c", "never"));

        var change = client.AddSecret(SecretOf("new", "new"), retireOthersAfter: end - Now);

        Assert.Equal(
            [Now.AddMinutes(5), end, end, null], client.State!.Secrets.Select(secret => secret.ExpiresAt));
        Assert.Equal(["secret.add", "secret.retire", "secret.retire"], change.Actions.Select(action => action.Action));
        Assert.Equal(["later", "never"], change.Actions.Skip(1).Select(action => action.After!.Value.GetProperty("secretId").GetString()!));
    }

    [Theory]
    [InlineData(0, null, true)]
    [InlineData(61, null, false)]
    [InlineData(60, null, true)]
    [InlineData(null, 0, false)]
    [InlineData(null, 1, true)]
    public void The_others_are_not_retired_where_that_would_leave_a_time_in_which_nobody_can_authenticate(int? begins, int? ends, bool isDone)
    {
        var client = ChangedClient.Created();

        var change = client.AddSecret(
            SecretOf("new", "new", begins is { } from ? Now.AddMinutes(from) : null, ends is { } until ? Now.AddMinutes(until) : null),
            retireOthersAfter: TimeSpan.FromHours(1));

        Assert.Equal(isDone ? ClientOutcome.Done : ClientOutcome.LastSecret, change.Outcome);
    }

    [Fact]
    public void The_last_secret_that_is_valid_now_is_revoked_only_by_force_whatever_others_begin_later_or_have_ended()
    {
        var client = ChangedClient.Created(
            SecretOf("a", "valid"), SecretOf("b", "later", notBefore: Now.AddMinutes(1)), SecretOf("c", "ended", expiresAt: Now));

        Assert.Equal(ClientOutcome.LastSecret, client.RevokeSecret("valid").Outcome);
        Assert.Equal(ClientOutcome.NotFound, client.RevokeSecret("unknown").Outcome);
        Assert.Equal(ClientOutcome.Done, client.RevokeSecret("ended").Outcome);
        Assert.Equal(ClientOutcome.Done, client.RevokeSecret("later").Outcome);
        Assert.Equal(ClientOutcome.LastSecret, client.RevokeSecret("valid").Outcome);
        Assert.Equal(ClientOutcome.Done, client.RevokeSecret("valid", force: true).Outcome);
        Assert.Empty(client.State!.Secrets);
    }

    [Fact]
    public void The_audit_shows_a_secrets_times_and_label_and_nothing_of_its_hash()
    {
        var client = ChangedClient.Created();

        var added = client.AddSecret(SecretOf("text", "new", Now.AddMinutes(1), Now.AddDays(1)) with { Label = "for the nightly job" });

        Assert.Equal(
            """{"secretId":"new","kind":"generated","label":"for the nightly job","createdAt":"2026-05-15T10:30:00Z","notBefore":"2026-05-15T10:31:00Z","expiresAt":"2026-05-16T10:30:00Z"}""",
            added.Actions[0].After!.Value.GetRawText());
        Assert.Null(added.Actions[0].Before);
        Assert.Equal(added.Actions[0].After!.Value.GetRawText(), client.RevokeSecret("new").Actions[0].Before!.Value.GetRawText());
    }
}
