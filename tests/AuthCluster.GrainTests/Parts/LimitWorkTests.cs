using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Limits;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.GrainTests.Parts;

/// <summary>The writes that a client's limits need: one at a time, shared by all who wait, and ahead of time where that is possible.</summary>
public sealed class LimitWorkTests
{
    [Fact]
    public Task While_a_write_is_under_way_whoever_needs_one_joins_it() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        var barrier = client.Table.BeforeWrite = new Barrier();

        var first = client.LimitWork.Start(LimitNeed.Reserve);
        var others = Enumerable.Range(0, 50).Select(i => client.LimitWork.Start(i % 2 == 0 ? LimitNeed.Reserve : LimitNeed.None)).ToList();
        Assert.True(client.LimitWork.IsUnderWay);
        Assert.All(others, other => Assert.Same(first, other));
        barrier.Open();

        Assert.True(await first);
        Assert.Equal((false, 1), (client.LimitWork.IsUnderWay, client.Table.Writes));
    });

    [Fact]
    public Task Without_a_need_nothing_is_written() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));

        Assert.True(await client.LimitWork.Start(LimitNeed.None));

        Assert.Equal(0, client.Table.Writes);
    });

    [Fact]
    public Task A_claim_brings_the_first_block_of_the_quota_in_the_same_write() => ActivationTurns.RunAsync(async () =>
    {
        var document = ClientInParts.WithRateLimit(burst: 10, ClientInParts.WithQuota(100));
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(document));

        Assert.True(await client.LimitWork.Start(LimitNeed.Claim));

        Assert.Equal(("this activation", 5, 1), (client.Table.Row!.LimitOwner, client.Table.Row.Quota!.Reserved, client.Table.Writes));
        Assert.Equal(DecisionKind.Allowed, (await client.Ask(1)[0]).Kind);
        Assert.Equal(1, client.Table.Writes);
    });

    [Fact]
    public Task For_a_second_after_work_that_failed_callers_are_told_at_once_and_the_work_is_tried_again() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        client.Failures.Of(ClientInParts.Id, Failure.Down);
        Assert.False(await client.LimitWork.Start(LimitNeed.Reserve));
        client.Failures.End(ClientInParts.Id);
        var barrier = client.Table.BeforeWrite = new Barrier();

        client.Clock.Advance(TimeSpan.FromMilliseconds(999));
        var early = client.Ask(1)[0];
        client.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var late = client.Ask(1)[0];

        Assert.True(early.IsCompleted);
        Assert.Equal(DecisionKind.Unavailable, (await early).Kind);
        Assert.False(late.IsCompleted);
        barrier.Open();
        Assert.Equal((DecisionKind.Allowed, 99), ((await late).Kind, (await late).Limit!.QuotaRemaining));
        Assert.Equal(1, client.Table.Writes);
    });

    [Fact]
    public Task Work_that_succeeds_ends_the_pause_after_a_failure_early() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        client.Failures.Of(ClientInParts.Id, Failure.Down);
        Assert.Equal(DecisionKind.Unavailable, (await client.Ask(1)[0]).Kind);
        client.Failures.End(ClientInParts.Id);

        Assert.Equal(DecisionKind.Unavailable, (await client.Ask(1)[0]).Kind);
        Assert.True(await client.LimitWork.Start(LimitNeed.None));

        Assert.Equal(DecisionKind.Allowed, (await client.Ask(1)[0]).Kind);
    });

    [Fact]
    public Task A_reservation_without_an_answer_counts_as_spent_and_the_next_one_is_stored_on_top() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        client.Failures.Of(ClientInParts.Id, Failure.AnswerLost);
        Assert.False(await client.LimitWork.Start(LimitNeed.Reserve));
        client.Failures.End(ClientInParts.Id);
        client.Clock.Advance(TimeSpan.FromSeconds(1));

        var answer = await client.Ask(1)[0];

        Assert.Equal((DecisionKind.Allowed, 94), (answer.Kind, answer.Limit!.QuotaRemaining));
        Assert.Equal(10, client.Table.Row!.Quota!.Reserved);
    });

    [Fact]
    public Task The_first_block_of_the_next_period_is_stored_by_a_timer_that_is_set_once_and_ended_when_the_block_is_there() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        Assert.All(await Task.WhenAll(client.Ask(3)), answer => Assert.Equal(DecisionKind.Allowed, answer.Kind));

        // It is half past ten, the period is an hour, and the timer fires 30 seconds before the period's end.
        var due = Assert.Single(client.Timers.Due);
        Assert.Equal(TimeSpan.FromMinutes(29.5), due);
        client.Clock.Advance(due);
        await client.Timers.FireAsync();
        Assert.True(await client.LimitWork.Start(LimitNeed.None));

        Assert.Equal(QuotaBlock.Size(100), client.Table.Row!.Quota!.Next);
        await client.Timers.FireAsync();
        Assert.Empty(client.Timers.Due);
        var writes = client.Table.Writes;
        client.Clock.Advance(TimeSpan.FromSeconds(30));
        client.Failures.Of(ClientInParts.Id, Failure.Down);
        // The next period has begun, and its block was there.
        Assert.Equal(99, (await client.Ask(1)[0]).Limit!.QuotaRemaining);
        Assert.Equal(writes, client.Table.Writes);
    });
}
