using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>Repeated requests to create under an Idempotency-Key.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class KeyedCreationTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_repeat_with_the_same_choices_makes_nothing_again()
    {
        var id = await cluster.CreateAsync(Document("read"));

        var first = await AddAsync(id, "chosen", "key-1");
        var again = await AddAsync(id, "chosen", "key-1");

        Assert.Equal(ClientOutcome.Done, again.Outcome);
        Assert.Equal(first.ETag, again.ETag);
        Assert.Equal(2, (await cluster.Client(id).GetAsync(Cancellation)).Client!.Secrets.Length);
    }

    [Fact]
    public async Task A_key_whose_first_choices_have_expired_creates_the_secret_that_its_answer_shows()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await AddAsync(id, "chosen", "key-1");

        // The row that held the choices has expired, so the front end chose another secret, which it will show.
        Assert.Equal(ClientOutcome.Done, (await AddAsync(id, "another", "key-1")).Outcome);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("another")))).Kind);
    }

    [Fact]
    public async Task However_many_other_keys_were_used_since_a_key_creates_nothing_again_and_the_row_stays_small()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await AddAsync(id, "chosen", "key-1");
        for (var i = 0; i < 24; i++)
        {
            await AddAsync(id, $"other-{i}", $"key-of-other-{i}");
            await cluster.Client(id).RevokeSecretAsync(new RevokeSecretCommand($"other-{i}", false, null, Actor()), Cancellation);
        }

        var again = await AddAsync(id, "chosen", "key-1");
        var revoked = await AddAsync(id, "other-3", "key-of-other-3");

        Assert.Equal((ClientOutcome.Done, ClientOutcome.Done), (again.Outcome, revoked.Outcome));
        Assert.Equal(["s1", "chosen"], (await cluster.Client(id).GetAsync(Cancellation)).Client!.Secrets.Select(secret => secret.SecretId));
        Assert.InRange((await cluster.RowAsync(id)).Length, 1, 8_000);
    }

    [Fact]
    public async Task A_key_gets_the_same_etag_again_after_other_changes()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var first = await AddAsync(id, "keyed", "key-with-etag");
        for (var i = 0; i < 10; i++)
        {
            await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        }

        var again = await AddAsync(id, "keyed", "key-with-etag");

        Assert.NotNull(first.ETag);
        Assert.Equal(first.ETag, again.ETag);
    }

    private Task<ClientAnswer> AddAsync(string id, string secret, string key) => cluster.Client(id).AddSecretAsync(
        new AddSecretCommand(SecretOf(secret, secret), null, null, Actor(), key, cluster.Clock.GetUtcNow()), Cancellation);
}
