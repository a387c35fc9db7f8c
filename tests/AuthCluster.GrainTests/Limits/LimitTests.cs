using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Clients;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.TestKit;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Limits;

/// <summary>The rate limit and the quota, over activations that end in every way.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class LimitTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_burst_is_spent_and_then_one_token_an_interval_is_allowed()
    {
        var id = await LimitedAsync(tokensPerSecond: 2, burst: 3);

        Assert.Equal(3, await cluster.AllowedOfAsync(id, 6));
        var refused = await cluster.AskAsync(id);
        Assert.Equal((Refusal.RateLimited, TimeSpan.FromSeconds(0.5)), (refused.Refusal, refused.Delay));
        Assert.Equal((2.0, 3L, 0L), (refused.Limit!.TokensPerSecond, refused.Limit.Burst, refused.Limit.Remaining));
        cluster.Clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 3));
    }

    [Fact]
    public async Task A_limit_that_only_observes_refuses_nothing_and_shows_where_the_client_stands()
    {
        var id = await LimitedAsync(tokensPerSecond: 1, burst: 2, enforce: false);

        Assert.Equal(5, await cluster.AllowedOfAsync(id, 5));
        Assert.Equal(0, (await cluster.AskAsync(id)).Limit!.Remaining);
    }

    [Fact]
    public async Task The_level_is_kept_over_a_clean_end_of_the_activation_and_its_time_is_not_given_twice()
    {
        var id = await LimitedAsync(tokensPerSecond: 0.01, burst: 5);
        Assert.Equal(2, await cluster.AllowedOfAsync(id, 2));

        await cluster.ForgetAsync(id);

        Assert.Equal(3, await cluster.AllowedOfAsync(id, 6));
        await cluster.ForgetAsync(id);
        Assert.Equal(0, await cluster.AllowedOfAsync(id, 2));
    }

    [Fact]
    public async Task After_an_activation_that_did_not_sign_off_the_bucket_is_empty()
    {
        var id = await LimitedAsync(tokensPerSecond: 1, burst: 5);
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        await EndWithoutSignOffAsync(id);

        Assert.Equal(0, await cluster.AllowedOfAsync(id, 3));
        cluster.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, await cluster.AllowedOfAsync(id, 5));
    }

    [Fact]
    public async Task A_claim_that_meets_another_owner_starts_empty()
    {
        var id = await LimitedAsync(tokensPerSecond: 0.01, burst: 5);
        await cluster.ForgetAsync(id);
        // The activation has loaded the row and not claimed the bucket yet; then a twin claims it.
        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("wrong")))).Refusal);
        var row = JsonNode.Parse(await cluster.RowAsync(id))!;
        row["limitOwner"] = "a twin";
        await cluster.ExecuteAsync(
            "update grain_state set payload = cast(@Row as blob), version = version + 1 where grain_key = @Key",
            new { Row = row.ToJsonString(), Key = ClientGrainKey.Of(id) });

        Assert.Equal(0, await cluster.AllowedOfAsync(id, 3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(45)]
    public async Task A_quota_is_exact_through_its_reservations_and_over_clean_ends(int quota)
    {
        var id = await QuotaAsync(quota);
        var half = quota / 2;

        Assert.Equal(half, await cluster.AllowedOfAsync(id, half));
        await cluster.ForgetAsync(id);

        Assert.Equal(quota - half, await cluster.AllowedOfAsync(id, quota + 2));
        var refused = await cluster.AskAsync(id);
        Assert.Equal(Refusal.QuotaExceeded, refused.Refusal);
        Assert.InRange(refused.Delay, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Assert.Equal((quota, 3_600L, 0L), (refused.Limit!.QuotaTokens, refused.Limit.QuotaPeriodSeconds, refused.Limit.QuotaRemaining));
    }

    [Fact]
    public async Task A_new_period_has_its_own_quota()
    {
        var id = await QuotaAsync(2);
        Assert.Equal(2, await cluster.AllowedOfAsync(id, 4));

        cluster.Clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal(2, await cluster.AllowedOfAsync(id, 4));
    }

    [Fact]
    public async Task A_crash_loses_at_most_two_blocks_of_a_twentieth_and_gives_never_more_than_the_quota()
    {
        var id = await QuotaAsync(100);
        Assert.Equal(50, await cluster.AllowedOfAsync(id, 50));
        // A reservation starts when one permit is left: with two left, none is under way.
        await Eventually.HoldsAsync("the last reservation is stored", TimeSpan.FromSeconds(10), async () => await ReservedAsync(id) >= 52, Cancellation);

        await EndWithoutSignOffAsync(id);

        Assert.InRange(await cluster.AllowedOfAsync(id, 100), 40, 50);
    }

    [Fact]
    public async Task A_grain_whose_quota_only_observes_refuses_nothing()
    {
        var id = await QuotaAsync(2, enforce: false);

        Assert.Equal(6, await cluster.AllowedOfAsync(id, 6));
    }

    [Fact]
    public async Task With_storage_down_the_block_is_spent_and_then_the_client_is_unavailable()
    {
        var id = await QuotaAsync(100);
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        cluster.Failures.Of(id, Failure.Down);

        var answers = new List<DecisionKind>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add((await cluster.AskAsync(id)).Kind);
        }

        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        // A block is a twentieth, and one of its permits was spent before.
        Assert.Equal(
            [.. Enumerable.Repeat(DecisionKind.Allowed, 4), .. Enumerable.Repeat(DecisionKind.Unavailable, 16)],
            answers);
        await AllowedAgainAsync(id);
    }

    [Fact]
    public async Task A_reservation_of_unknown_outcome_counts_as_spent()
    {
        var id = await QuotaAsync(20);
        cluster.Failures.Of(id, Failure.AnswerLost);
        Assert.NotEqual(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        cluster.Failures.End(id);
        await cluster.RecoverAsync();

        await AllowedAgainAsync(id);
        Assert.InRange(1 + await cluster.AllowedOfAsync(id, 30), 15, 19);
    }

    /// <summary>Gets one token, once the failure of the last reservation is a second ago.</summary>
    private Task AllowedAgainAsync(string id) => Eventually.HoldsAsync(
        "a token is given again",
        TimeSpan.FromSeconds(10),
        async () =>
        {
            cluster.Clock.Advance(TimeSpan.FromMilliseconds(200));
            return (await cluster.AskAsync(id)).Kind == DecisionKind.Allowed;
        },
        Cancellation);

    private Task<string> LimitedAsync(double tokensPerSecond, long burst, bool enforce = true)
    {
        var document = Document("read");
        document["rateLimit"] = new JsonObject { ["tokensPerSecond"] = tokensPerSecond, ["burst"] = burst, ["enforce"] = enforce };
        return cluster.CreateAsync(document);
    }

    private async Task<long> ReservedAsync(string id) => JsonNode.Parse(await cluster.RowAsync(id))!["quota"]!["reserved"]!.GetValue<long>();

    private Task<string> QuotaAsync(long tokens, bool enforce = true) => cluster.CreateAsync(QuotaDocument(tokens, enforce));

    private static JsonObject QuotaDocument(long tokens, bool enforce = true)
    {
        var document = Document("read");
        document["quota"] = new JsonObject { ["tokens"] = tokens, ["per"] = "hour", ["enforce"] = enforce };
        return document;
    }

    /// <summary>Ends an activation whose last write fails, as if it had been killed.</summary>
    private async Task EndWithoutSignOffAsync(string id)
    {
        cluster.Failures.Of(id, Failure.LostOnTheWay);
        await cluster.ForgetAsync(id);
        cluster.Failures.End(id);
        await cluster.RecoverAsync();
    }
}
