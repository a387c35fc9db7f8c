using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>The times that changes get when the clock is not to be trusted.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class ChangeTimeTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_minute_in_which_the_clock_showed_next_year_the_audit_has_the_right_times_again_and_in_their_order()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var now = cluster.Clock.GetUtcNow();

        cluster.Clock.Set(now.AddYears(1));
        await ChangeAsync(id);
        cluster.Clock.Set(now);
        List<string> changes = [await ChangeAsync(id), await ChangeAsync(id), await ChangeAsync(id)];

        var times = await TimesAsync(changes);
        Assert.All(times, time => Assert.InRange(time, now, now.AddSeconds(1)));
        Assert.Equal(times.Order(), times);
        Assert.Equal(3, times.Distinct().Count());
        Assert.InRange((await cluster.Client(id).GetAsync(Cancellation)).Client!.UpdatedAt, now, now.AddSeconds(1));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_by_seconds_leaves_the_audit_in_its_order()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var now = cluster.Clock.GetUtcNow();

        var first = await ChangeAsync(id);
        cluster.Clock.Set(now.AddSeconds(-20));
        List<string> changes = [first, await ChangeAsync(id), await ChangeAsync(id)];
        cluster.Clock.Set(now);

        var times = await TimesAsync(changes);
        Assert.Equal(times.Order(), times);
        Assert.Equal(3, times.Distinct().Count());
    }

    [Fact]
    public async Task A_key_that_was_used_under_a_wrong_clock_counts_for_an_hour_from_the_next_one_on()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var now = cluster.Clock.GetUtcNow();

        cluster.Clock.Set(now.AddYears(1));
        await AddAsync(id, "one");
        cluster.Clock.Set(now);
        await AddAsync(id, "two");

        var ends = JsonNode.Parse(await cluster.RowAsync(id))!["creations"]!.AsArray().Select(made => made!["until"]!.GetValue<DateTimeOffset>()).ToList();
        Assert.Equal(2, ends.Count);
        Assert.All(ends, end => Assert.Equal(now.AddHours(1), end));
    }

    private async Task<string> ChangeAsync(string id)
    {
        var command = new RevokeTokensCommand(null, Actor());
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokensAsync(command, Cancellation)).Outcome);
        return command.Actor.AuditId;
    }

    private async Task AddAsync(string id, string secret) => Assert.Equal(
        ClientOutcome.Done,
        (await cluster.Client(id).AddSecretAsync(
            new AddSecretCommand(SecretOf(secret, secret), null, null, Actor(), $"key of {secret}", cluster.Clock.GetUtcNow()), Cancellation)).Outcome);

    private async Task<List<DateTimeOffset>> TimesAsync(List<string> auditIds)
    {
        List<DateTimeOffset> times = [];
        foreach (var auditId in auditIds)
        {
            var microseconds = Assert.Single(await cluster.QueryAsync<long>("select occurred_at from audit where audit_id = @Id", new { Id = auditId }));
            times.Add(DateTimeOffset.UnixEpoch.AddTicks(microseconds * 10));
        }

        return times;
    }
}
