using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;

namespace AuthCluster.GrainTests.Parts;

/// <summary>A thousand callers of one client at the same moment, as when the first block of a period is not there yet. The clock stands, so nobody waits for time.</summary>
public sealed class ManyCallersTests
{
    private const int Callers = 1_000;

    [Fact]
    public Task A_thousand_callers_who_wait_for_one_block_cause_one_write_and_all_have_their_answer_right_after_it() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100 * Callers)));
        var barrier = client.Table.BeforeWrite = new Barrier();

        var calls = client.Ask(Callers);
        await barrier.Reached;
        Assert.All(calls, call => Assert.False(call.IsCompleted));
        // The last caller joined the write, so all answers come in the turns that follow its end: one for each caller.
        var last = client.Ask(1)[0];
        barrier.Open();
        await last;

        Assert.All(calls, call => Assert.True(call.IsCompletedSuccessfully));
        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal(DecisionKind.Allowed, answer.Kind));
        Assert.Equal(1, client.Table.Writes);
        Assert.Equal((100 * Callers) - Callers - 1, (await last).Limit!.QuotaRemaining);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public Task Of_a_thousand_callers_as_many_are_allowed_as_the_quota_has_and_the_others_refused(int quota) => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(quota)));

        var answers = await Task.WhenAll(client.Ask(Callers));

        Assert.Equal(quota, answers.Count(answer => answer.Kind == DecisionKind.Allowed));
        Assert.Equal(Callers - quota, answers.Count(answer => answer.Refusal == Refusal.QuotaExceeded));
        Assert.Equal(quota, client.Table.Row!.Quota!.Reserved);
        // A block is a twentieth, and the next one is asked for when a quarter is left: no caller waits for more rounds than it may.
        Assert.InRange(client.Table.Writes, 1, 27);
    });

    [Fact]
    public Task Of_a_thousand_callers_who_wait_for_the_claim_of_the_rate_limit_the_burst_is_allowed_and_not_one_more() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithRateLimit(burst: 100)));
        var barrier = client.Table.BeforeWrite = new Barrier();

        var calls = client.Ask(Callers);
        await barrier.Reached;
        Assert.All(calls, call => Assert.False(call.IsCompleted));
        barrier.Open();
        var answers = await Task.WhenAll(calls);

        // The callers are allowed in the order in which they came.
        Assert.All(answers.Take(100), answer => Assert.Equal(DecisionKind.Allowed, answer.Kind));
        Assert.All(answers.Skip(100), answer => Assert.Equal(Refusal.RateLimited, answer.Refusal));
        Assert.Equal(1, client.Table.Writes);
    });

    [Theory]
    [InlineData(Failure.Down)]
    [InlineData(Failure.LostOnTheWay)]
    public Task Work_that_fails_makes_all_who_wait_unavailable_at_once_and_is_tried_once(Failure failure) => ActivationTurns.RunAsync(async () =>
    {
        var document = ClientInParts.WithRateLimit(burst: 10, ClientInParts.WithQuota(100));
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(document));
        client.Failures.Of(ClientInParts.Id, failure);

        var answers = await Task.WhenAll(client.Ask(Callers));

        Assert.All(answers, answer => Assert.Equal(DecisionKind.Unavailable, answer.Kind));
        Assert.Equal((0, 1), (client.Table.Writes, client.Told.Count(told => told.StartsWith("write ended", StringComparison.Ordinal))));
        // And nothing was spent.
        client.Failures.End(ClientInParts.Id);
        client.Clock.Advance(TimeSpan.FromSeconds(1));
        var next = await client.Ask(1)[0];
        Assert.Equal((DecisionKind.Allowed, 9), (next.Kind, next.Limit!.Remaining));
    });

    [Fact]
    public Task A_thousand_callers_who_wait_for_a_row_of_unknown_outcome_cause_one_reading() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.AnswerLost);
        Assert.Null(await client.DisableAsync());
        client.Failures.End(ClientInParts.Id);

        var answers = await Task.WhenAll(client.Ask(Callers));

        Assert.All(answers, answer => Assert.Equal(Refusal.ClientDisabled, answer.Refusal));
        Assert.Equal(2, client.Table.Reads);
    });
}
