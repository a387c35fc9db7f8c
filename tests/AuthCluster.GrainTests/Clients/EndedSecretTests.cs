using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What becomes of secrets after their end.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class EndedSecretTests(GrainCluster cluster)
{
    /// <summary>A time that will be 30 days ago in a minute.</summary>
    private DateTimeOffset AlmostLongAgo => cluster.Clock.GetUtcNow().AddDays(-30).AddMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_ended_secret_is_shown_and_told_from_a_wrong_one_for_30_days_and_then_dropped_by_the_next_change()
    {
        await cluster.TrustClockAsync();
        var id = await cluster.CreateAsync(Document("read"), SecretOf(Secret), SecretOf("the ending one", "ending", expiresAt: AlmostLongAgo));
        var grain = cluster.Client(id);

        Assert.Equal(Refusal.SecretNotValidNow, (await cluster.AskAsync(id, Ask(Present("the ending one")))).Refusal);
        Assert.Equal(ClientOutcome.Done, (await grain.RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation)).Outcome);
        Assert.Equal(["s1", "ending"], await SecretsAsync(id));
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("the ending one")))).Refusal);
        Assert.Equal(["s1"], await SecretsAsync(id));
        var change = new RevokeTokensCommand(null, Actor());
        Assert.Equal(ClientOutcome.Done, (await grain.RevokeTokensAsync(change, Cancellation)).Outcome);

        Assert.DoesNotContain("ending", await cluster.RowAsync(id), StringComparison.Ordinal);
        Assert.Empty(await cluster.QueryAsync<string>("select value from client_part where client_id = @Id and value = 'ending'", new { Id = id }));
        var entry = Assert.Single(await cluster.QueryAsync<(string Actor, string Before, string? After)>(
            "select actor, before_json, after_json from audit where client_id = @Id and action = 'secret.expire'", new { Id = id }));
        Assert.Equal(("system:expiry", null), (entry.Actor, entry.After));
        Assert.Contains("\"secretId\":\"ending\"", entry.Before, StringComparison.Ordinal);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
    }

    [Fact]
    public async Task A_client_all_of_whose_32_secrets_ended_long_ago_has_room_for_new_ones()
    {
        await cluster.TrustClockAsync();
        var id = await cluster.CreateAsync(
            Document("read"), [.. Enumerable.Range(0, 32).Select(i => SecretOf($"old {i}", $"old-{i}", expiresAt: AlmostLongAgo))]);

        Assert.Equal(ClientOutcome.TooMany, (await AddAsync(id, "new", null)).Outcome);
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(ClientOutcome.NotFound, (await cluster.Client(id).RevokeSecretAsync(new RevokeSecretCommand("old-1", false, null, Actor()), Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Done, (await AddAsync(id, "new", TimeSpan.FromHours(1))).Outcome);

        Assert.Equal(["new"], await SecretsAsync(id));
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("new")))).Kind);
        Assert.Equal(32, Assert.Single(await cluster.QueryAsync<int>("select count(*) from audit where client_id = @Id and action = 'secret.expire'", new { Id = id })));
    }

    [Fact]
    public async Task A_secret_given_again_under_a_new_id_is_valid_though_it_ended_under_its_earlier_id()
    {
        var ended = SecretOf(Secret, "ended", expiresAt: cluster.Clock.GetUtcNow().AddMinutes(-1));
        var id = await cluster.CreateAsync(Document("read"), SecretOf(Secret, "again"), ended);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
    }

    [Fact]
    public async Task A_clock_that_shows_next_year_for_a_minute_takes_no_secret_away()
    {
        var now = cluster.Clock.GetUtcNow();
        var id = await cluster.CreateAsync(Document("read"), SecretOf(Secret, expiresAt: now.AddDays(90)), SecretOf("forever", "forever"));

        cluster.Clock.Set(now.AddYears(1));
        var change = await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        cluster.Clock.Set(now);

        Assert.Equal(ClientOutcome.Done, change.Outcome);
        Assert.Equal(Refusal.None, (await cluster.AskAsync(id)).Refusal);
        Assert.Equal(["s1", "forever"], await SecretsAsync(id));
    }

    private async Task<IEnumerable<string>> SecretsAsync(string id) =>
        (await cluster.Client(id).GetAsync(Cancellation)).Client!.Secrets.Select(secret => secret.SecretId);

    private Task<ClientAnswer> AddAsync(string id, string secret, TimeSpan? retireOthersAfter) => cluster.Client(id).AddSecretAsync(
        new AddSecretCommand(SecretOf(secret, secret), retireOthersAfter, null, Actor(), null, cluster.Clock.GetUtcNow()), Cancellation);
}
