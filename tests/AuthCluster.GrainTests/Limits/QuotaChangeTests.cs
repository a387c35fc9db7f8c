using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Clients;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Limits;

/// <summary>What an administrative change and a wrong clock do to a quota that is in use: what was spent stays spent, and nothing else is.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class QuotaChangeTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lowered_quota_leaves_all_of_it_that_is_not_spent()
    {
        var id = await QuotaAsync(1_000_000, "month");
        Assert.Equal(10, await cluster.AllowedOfAsync(id, 10));

        await ChangeAsync(id, 20_000, "month");

        Assert.Equal(19_989, (await cluster.AskAsync(id)).Limit!.QuotaRemaining);
        await ChangeAsync(id, 13, "month");
        await ChangeAsync(id, 13, "month");
        Assert.Equal(2, await cluster.AllowedOfAsync(id, 5));
    }

    [Fact]
    public async Task A_lowered_quota_lowers_the_stored_reservation_to_one_of_its_own_blocks()
    {
        var id = await QuotaAsync(1_000_000, "month");
        Assert.Equal(10, await cluster.AllowedOfAsync(id, 10));
        await SettledAsync(id, 50_000);

        await ChangeAsync(id, 2_000, "month");

        Assert.Equal(10 + 100, await ReservedAsync(id));
        await cluster.ForgetAsync(id);
        Assert.Equal(10, await ReservedAsync(id));
        Assert.Equal(1_989, (await cluster.AskAsync(id)).Limit!.QuotaRemaining);
    }

    [Fact]
    public async Task A_raised_quota_adds_exactly_the_difference()
    {
        var id = await QuotaAsync(20, "hour");
        Assert.Equal(20, await cluster.AllowedOfAsync(id, 25));

        await ChangeAsync(id, 30, "hour");

        Assert.Equal(10, await cluster.AllowedOfAsync(id, 15));
    }

    [Fact]
    public async Task A_changed_kind_of_period_forgets_nothing_of_the_one_before()
    {
        var id = await QuotaAsync(100, "month");
        Assert.Equal(7, await cluster.AllowedOfAsync(id, 7));

        await ChangeAsync(id, 100, "hour");
        Assert.Equal(96, (await AfterTokensAsync(id, 4)).QuotaRemaining);
        await ChangeAsync(id, 100, "day");
        Assert.Equal(99, (await AfterTokensAsync(id, 1)).QuotaRemaining);
        await ChangeAsync(id, 100, "month");

        Assert.Equal(92, (await AfterTokensAsync(id, 1)).QuotaRemaining);
        await cluster.ForgetAsync(id);
        await ChangeAsync(id, 100, "hour");
        Assert.Equal(95, (await AfterTokensAsync(id, 1)).QuotaRemaining);
    }

    [Fact]
    public async Task A_quota_that_was_taken_away_and_given_again_counts_on()
    {
        var id = await QuotaAsync(100, "month");
        Assert.Equal(7, await cluster.AllowedOfAsync(id, 7));

        await cluster.Client(id).ReplaceAsync(new ReplaceClientCommand { DocumentJson = Document("read").ToJsonString(), Actor = Actor() }, Cancellation);
        await ChangeAsync(id, 100, "month");

        Assert.Equal(92, (await AfterTokensAsync(id, 1)).QuotaRemaining);
    }

    [Fact]
    public async Task A_client_that_is_created_anew_has_what_the_deleted_one_left_of_the_quota()
    {
        var id = await QuotaAsync(100, "month");
        Assert.Equal(7, await cluster.AllowedOfAsync(id, 7));
        await cluster.Client(id).DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation);
        Assert.Equal(7, await ReservedAsync(id));

        await cluster.Client(id).CreateAsync(Creation(QuotaDocument(100, "month")), Cancellation);

        Assert.Equal(92, (await AfterTokensAsync(id, 1)).QuotaRemaining);
    }

    [Fact]
    public async Task A_change_that_storage_refuses_leaves_the_quota_as_it_was()
    {
        var id = await QuotaAsync(1_000, "month");
        Assert.Equal(10, await cluster.AllowedOfAsync(id, 10));
        await SettledAsync(id, 50);
        cluster.Failures.Of(id, Failure.Down);

        var answer = await cluster.Client(id).ReplaceAsync(
            new ReplaceClientCommand { DocumentJson = QuotaDocument(12, "month").ToJsonString(), Actor = Actor() }, Cancellation);

        cluster.Failures.End(id);
        await cluster.RecoverAsync();
        Assert.Equal(ClientOutcome.Unavailable, answer.Outcome);
        Assert.Equal(989, (await AfterTokensAsync(id, 1)).QuotaRemaining);
    }

    [Fact]
    public async Task A_clock_that_shows_next_year_for_a_minute_leaves_the_quota_of_this_month()
    {
        var id = await QuotaAsync(100, "month");
        Assert.Equal(7, await cluster.AllowedOfAsync(id, 7));
        var right = cluster.Clock.GetUtcNow();

        cluster.Clock.AdjustTime(right.AddYears(1));
        Assert.Equal(97, (await AfterTokensAsync(id, 3)).QuotaRemaining);
        await cluster.ForgetAsync(id);
        cluster.Clock.AdjustTime(right);

        // At most the block that was held when the clock jumped is lost.
        Assert.InRange((await AfterTokensAsync(id, 1)).QuotaRemaining, 89 - 5, 89);
        // AdjustTime, because Advance would make each timer of the cluster tick through a month.
        cluster.Clock.AdjustTime(right.AddMonths(1));
        Assert.Equal(99, (await AfterTokensAsync(id, 1)).QuotaRemaining);
    }

    /// <summary>Where the client stands after so many tokens.</summary>
    private async Task<LimitStanding> AfterTokensAsync(string id, int tokens)
    {
        Assert.Equal(tokens - 1, await cluster.AllowedOfAsync(id, tokens - 1));
        var last = await cluster.AskAsync(id);
        Assert.Equal(DecisionKind.Allowed, last.Kind);
        return last.Limit!;
    }

    private Task<string> QuotaAsync(long tokens, string per) => cluster.CreateAsync(QuotaDocument(tokens, per));

    private async Task ChangeAsync(string id, long tokens, string per) => Assert.Equal(
        ClientOutcome.Done,
        (await cluster.Client(id).ReplaceAsync(
            new ReplaceClientCommand { DocumentJson = QuotaDocument(tokens, per).ToJsonString(), Actor = Actor() }, Cancellation)).Outcome);

    private async Task<long> ReservedAsync(string id) => JsonNode.Parse(await cluster.RowAsync(id))!["quota"]!["reserved"]!.GetValue<long>();

    /// <summary>Waits until a block is stored.</summary>
    private async Task SettledAsync(string id, long reserved)
    {
        for (var tries = 0; tries < 500 && await ReservedAsync(id) != reserved; tries++)
        {
            await Task.Delay(10, Cancellation);
        }

        Assert.Equal(reserved, await ReservedAsync(id));
    }

    private static JsonObject QuotaDocument(long tokens, string per)
    {
        var document = Document("read");
        document["quota"] = new JsonObject { ["tokens"] = tokens, ["per"] = per };
        return document;
    }
}
