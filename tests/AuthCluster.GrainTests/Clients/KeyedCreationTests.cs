using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What was made under an Idempotency-Key, asked for again.</summary>
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
    public async Task A_key_whose_first_choices_were_forgotten_makes_the_secret_that_it_answers()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await AddAsync(id, "chosen", "key-1");

        // The row that held the choices has ended; the front end chose another secret, which it will show.
        Assert.Equal(ClientOutcome.Done, (await AddAsync(id, "another", "key-1")).Outcome);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("another")))).Kind);
    }

    private Task<ClientAnswer> AddAsync(string id, string secret, string key) => cluster.Client(id).AddSecretAsync(
        new AddSecretCommand(SecretOf(secret, secret), null, null, Actor(), key, cluster.Clock.GetUtcNow()), Cancellation);
}
