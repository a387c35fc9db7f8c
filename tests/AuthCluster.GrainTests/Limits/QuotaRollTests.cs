using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Time;
using AuthCluster.GrainTests.Clients;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.TestKit;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Limits;

/// <summary>Many clients with quotas when a period ends and the next one begins.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class QuotaRollTests(GrainCluster cluster)
{
    private const int Clients = 150;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nobody_waits_when_an_hour_begins_and_the_writes_for_it_are_spread_over_the_minutes_before()
    {
        var ids = await ClientsWithQuotasAsync();
        await AdvanceToAsync(minute: 49);
        foreach (var id in ids)
        {
            Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        }

        var writes = new List<int>();
        for (var step = 0; step < 11; step++)
        {
            var before = await ReservedAheadAsync(ids);
            cluster.Clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromSeconds(2));
            await QuietAsync(ids);
            writes.Add(await ReservedAheadAsync(ids) - before);
        }

        await AdvanceToAsync(minute: 0);
        var written = WritesOf(ids);
        foreach (var id in ids)
        {
            Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        }

        var waiting = WritesOf(ids) - written;
        Assert.InRange(writes.Sum(), Clients * 98 / 100, Clients);
        Assert.InRange(writes.Max(), 1, Clients / 4);
        Assert.InRange(waiting, 0, Clients / 50);
    }

    [Fact]
    public async Task A_clean_end_before_the_next_hour_gives_back_what_was_reserved_for_it()
    {
        var id = await QuotaAsync(100);
        await AdvanceToAsync(minute: 58);
        cluster.Clock.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        await QuietAsync([id]);
        Assert.Equal(1, await ReservedAheadAsync([id]));

        await cluster.ForgetAsync(id);

        Assert.Equal(0, await ReservedAheadAsync([id]));
        Assert.Equal(99, await cluster.AllowedOfAsync(id, 110));
        await AdvanceToAsync(minute: 0);
        Assert.Equal(100, await cluster.AllowedOfAsync(id, 110));
    }

    [Fact]
    public async Task A_block_of_the_next_hour_that_was_given_back_is_reserved_again_at_its_time_when_the_clock_was_set_back_before_it()
    {
        var id = await QuotaAsync(1_000);
        await AdvanceToAsync(minute: 40);
        var now = cluster.Clock.GetUtcNow();
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        cluster.Clock.Advance(TimeSpan.FromMinutes(19.5));
        await IsReservedAheadAsync(id);
        cluster.Clock.Advance(TimeSpan.FromSeconds(15));
        await QuietAsync([id]);

        // A client that loses its quota gives back the permits that it holds.
        await ReplaceAsync(id, Document("read"));
        cluster.Clock.Set(now);
        await ReplaceAsync(id, QuotaOf(1_000));
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        await QuietAsync([id]);
        Assert.Equal(0, await ReservedAheadAsync([id]));
        cluster.Clock.Advance(TimeSpan.FromMinutes(19.5));

        await IsReservedAheadAsync(id);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_day_that_a_wrong_clock_showed_once_has_its_whole_quota_when_it_comes(bool isRateLimited)
    {
        await cluster.TrustClockAsync();
        var document = QuotaOf(100);
        document["quota"]!["per"] = "day";
        if (isRateLimited)
        {
            document["rateLimit"] = new JsonObject { ["tokensPerSecond"] = 1_000 };
        }

        var id = await cluster.CreateAsync(document);
        await AdvanceToAsync(minute: 0);
        var now = cluster.Clock.GetUtcNow();
        await SpendAsync();
        cluster.Clock.Set(now.AddDays(2));
        await SpendAsync();
        cluster.Clock.Set(now);
        await SpendAsync();

        for (var day = 0; day < 2; day++)
        {
            cluster.Clock.Advance(TrustedClock.SteadyFor);
            await SpendAsync();
            cluster.Clock.Advance(TimeSpan.FromDays(1) - TrustedClock.SteadyFor);
        }

        Assert.Equal(100, await cluster.AllowedOfAsync(id, 110));

        // Spends tokens as an activation does that ends after a few of them.
        async Task SpendAsync()
        {
            Assert.Equal(2, await cluster.AllowedOfAsync(id, 2));
            await cluster.ForgetAsync(id);
        }
    }

    private int WritesOf(IEnumerable<string> ids) => ids.Sum(id => cluster.Failures.Writes.GetValueOrDefault("c:" + id));

    private async Task<string[]> ClientsWithQuotasAsync()
    {
        var ids = new string[Clients];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = await QuotaAsync(1_000);
        }

        return ids;
    }

    private Task<string> QuotaAsync(long tokens) => cluster.CreateAsync(QuotaOf(tokens));

    private static JsonObject QuotaOf(long tokens)
    {
        var document = Document("read");
        document["quota"] = new JsonObject { ["tokens"] = tokens, ["per"] = "hour" };
        return document;
    }

    private async Task ReplaceAsync(string id, JsonObject document) => Assert.Equal(
        ClientOutcome.Done,
        (await cluster.Client(id).ReplaceAsync(new ReplaceClientCommand { DocumentJson = document.ToJsonString(), Actor = Actor() }, Cancellation)).Outcome);

    private async Task AdvanceToAsync(int minute)
    {
        var now = cluster.Clock.GetUtcNow();
        var hour = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero);
        var then = hour.AddMinutes(minute);
        cluster.Clock.Advance((then > now ? then : then.AddHours(1)) - now);
        await Task.Yield();
    }

    /// <summary>Waits until no row has been written for a while.</summary>
    private async Task QuietAsync(string[] ids)
    {
        var last = -1;
        for (var quiet = 0; quiet < 5;)
        {
            await Task.Delay(20, Cancellation);
            var writes = WritesOf(ids);
            quiet = writes == last ? quiet + 1 : 0;
            last = writes;
        }
    }

    private Task IsReservedAheadAsync(string id) => Eventually.HoldsAsync(
        "permits of the next hour are reserved", TimeSpan.FromSeconds(10), async () => await ReservedAheadAsync([id]) == 1, Cancellation);

    /// <summary>How many of the clients have permits of the next hour reserved.</summary>
    private async Task<int> ReservedAheadAsync(string[] ids)
    {
        var keys = await cluster.QueryAsync<string>("select grain_key from grain_state where cast(payload as text) like '%\"next\":%'");
        return keys.Intersect(ids.Select(id => "c:" + id)).Count();
    }
}
