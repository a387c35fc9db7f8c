using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Storage.Admin;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What a client's row remembers of Idempotency-Keys: enough that a repeat creates nothing again while the key counts, and no more.</summary>
public sealed class KeyedCreationsTests
{
    [Fact]
    public void The_audit_id_follows_from_the_client_the_key_and_the_secret_and_from_nothing_else()
    {
        var actor = Actor();
        string Of(string client, string? key, string? secret, ActorRecord by) => KeyedCreations.Keyed(client, by, key, secret).AuditId;

        Assert.Equal(Of("a", "key", "s1", actor), Of("a", "key", "s1", Actor()));
        Assert.Equal(4, new[] { Of("a", "key", "s1", actor), Of("b", "key", "s1", actor), Of("a", "other", "s1", actor), Of("a", "key", "s2", actor) }.Distinct().Count());
        Assert.Same(actor, KeyedCreations.Keyed("a", actor, null, "s1"));
    }

    [Fact]
    public void A_repeat_of_a_creation_answers_the_first_etag_whatever_became_of_the_client()
    {
        var client = new ChangedClient();
        var creation = Creation(Document("read")) with { IdempotencyId = "key" };
        var first = client.Create(creation);
        client.RevokeTokens();

        var again = client.Create(creation with { Actor = Actor() });
        client.Delete();
        var afterDeletion = client.Create(creation);

        Assert.All([again, afterDeletion], repeat => Assert.Equal((ClientOutcome.Done, first.ETag, null), (repeat.Outcome, repeat.ETag, repeat.Next)));
    }

    [Fact]
    public void A_repeat_of_an_added_secret_is_answered_before_its_etag_is_looked_at()
    {
        var client = ChangedClient.Created();
        var command = new AddSecretCommand(SecretOf("new", "new"), null, client.State!.ETag, Actor(), "key", client.Now);
        var first = client.AddSecret(command);

        var again = client.AddSecret(command);

        Assert.NotNull(first.Next);
        Assert.Equal((ClientOutcome.Done, first.ETag, null), (again.Outcome, again.ETag, again.Next));
        Assert.Equal(ClientOutcome.Stale, client.AddSecret(command with { IdempotencyId = "another" }).Outcome);
    }

    [Fact]
    public void The_same_key_with_another_secret_is_a_new_request()
    {
        var client = ChangedClient.Created();
        client.AddSecret(SecretOf("one", "one"), key: "key");

        Assert.NotNull(client.AddSecret(SecretOf("two", "two"), key: "key").Next);
    }

    [Fact]
    public void A_key_counts_for_an_hour_and_longer_while_the_clock_is_in_doubt()
    {
        var client = ChangedClient.Created();
        client.AddSecret(SecretOf("one", "one"), key: "key");
        client.Now += IdempotencyStore.Lasts;

        client.IsSteady = false;
        client.AddSecret(SecretOf("two", "two"), key: "second");
        Assert.Equal(["key", "second"], client.State!.Creations.Select(made => made.IdempotencyId));
        client.IsSteady = true;
        client.AddSecret(SecretOf("three", "three"), key: "third");

        Assert.Equal(["second", "third"], client.State!.Creations.Select(made => made.IdempotencyId));
    }

    [Fact]
    public void A_key_that_a_clock_ahead_has_remembered_counts_for_an_hour_from_the_next_change_by_a_right_one()
    {
        var client = ChangedClient.Created();
        client.Now = client.Now.AddYears(1);
        client.AddSecret(SecretOf("one", "one"), key: "key");
        client.Now = client.Now.AddYears(-1);

        client.AddSecret(SecretOf("two", "two"), key: "second");

        Assert.All(client.State!.Creations, made => Assert.Equal(client.Now + IdempotencyStore.Lasts, made.Until));
    }

    [Fact]
    public void The_last_16_keys_are_remembered()
    {
        var client = ChangedClient.Created();
        for (var i = 0; i < 20; i++)
        {
            client.AddSecret(SecretOf("more", $"more-{i}"), key: $"key-{i}");
        }

        Assert.Equal(Enumerable.Range(4, 16).Select(i => $"key-{i}"), client.State!.Creations.Select(made => made.IdempotencyId));
    }

    [Fact]
    public void The_etag_of_a_keyed_change_is_found_by_its_audit_id_and_by_no_other()
    {
        var client = ChangedClient.Created();
        var added = client.AddSecret(SecretOf("one", "one"), key: "key");
        client.RevokeTokens();

        var keyed = client.Changes.Keyed(Actor(), "key", "one");

        Assert.Equal(added.ETag, KeyedCreations.ETagOf(ChangedClient.Id, client.State!, keyed));
        Assert.Null(KeyedCreations.ETagOf(ChangedClient.Id, client.State!, Actor()));
        Assert.Null(KeyedCreations.ETagOf("another", client.State!, keyed));
    }
}
