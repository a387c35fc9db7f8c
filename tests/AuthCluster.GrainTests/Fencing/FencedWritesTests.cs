using AuthCluster.Contracts.Keys;
using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.GrainTests.Parts;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Barrier = AuthCluster.GrainTests.Parts.Barrier;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>How a silo makes a stored write hold on every silo, and what it answers when.</summary>
public sealed class FencedWritesTests
{
    private static readonly TimeSpan AMoment = TimeSpan.FromMilliseconds(20);

    [Fact]
    public Task A_write_that_all_silos_acknowledge_holds_everywhere_at_once() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(3);

        var answer = await silo.FinishAsync(silo.ConfirmAsync("c:orders", 5));

        Assert.Equal(FenceOutcome.Everywhere, answer.Outcome);
        Assert.Equal([(SiloTable.Name(2), "c:orders", 5), (SiloTable.Name(3), "c:orders", 5L)], silo.Asked);
        Assert.True(silo.Rights.Now < AMoment, $"{silo.Rights.Now}");
        Assert.Empty(silo.Pending.Counts);
    });

    [Fact]
    public Task A_silo_that_joined_before_the_write_and_is_first_seen_after_it_must_acknowledge_too() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(1);
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2)];

        await silo.FinishAsync(silo.ConfirmAsync());

        Assert.Equal([SiloTable.Name(2)], silo.Asked.Select(asked => asked.Silo));
    });

    [Fact]
    public Task Known_silos_are_asked_while_the_membership_is_read_and_their_answers_count() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        var barrier = silo.Table.BeforeReading = new Barrier();

        var writing = silo.ConfirmAsync();
        await FencedSilo.SettleAsync();
        Assert.Single(silo.Asked);
        Assert.False(writing.IsCompleted);
        barrier.Open();

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(writing)).Outcome);
        Assert.Single(silo.Asked);
    });

    [Fact]
    public Task A_silo_that_lives_and_does_not_acknowledge_is_named_at_the_deadline_and_its_write_is_sent_on() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(3);
        silo.Answer = FencedSilo.AllBut(2);

        var answer = await silo.FinishAsync(silo.ConfirmAsync());

        Assert.Equal(FenceOutcome.NotEverywhere, answer.Outcome);
        Assert.Equal([new UnconfirmedSilo(SiloTable.Name(2), null)], answer.Unconfirmed);
        Assert.InRange(silo.Rights.Now, FencedWrites.MaxWait, FencedWrites.MaxWait + AMoment);
        Assert.Equal([(SiloTable.Name(2), 1)], silo.Pending.Counts.Select(count => (count.Silo, count.Writes)));
        // The one that hangs five times a second, the other once.
        Assert.InRange(silo.Asked.Count(asked => asked.Silo == SiloTable.Name(2)), 35, 42);
        Assert.Single(silo.Asked, asked => asked.Silo == SiloTable.Name(3));
    });

    [Fact]
    public Task A_silo_that_hangs_is_not_asked_again_before_its_call_has_ended_and_its_answer_counts_at_once() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        var hanging = new TaskCompletionSource<TimeSpan?>();
        silo.Answer = _ => hanging.Task;

        var writing = silo.ConfirmAsync();
        await silo.PassAsync(TimeSpan.FromSeconds(1.05));
        Assert.Single(silo.Asked);
        hanging.SetResult(TimeSpan.Zero);

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(writing)).Outcome);
        Assert.InRange(silo.Rights.Now, TimeSpan.FromSeconds(1.05), TimeSpan.FromSeconds(1.05) + AMoment);
    });

    [Fact]
    public Task A_call_to_a_silo_that_fails_in_an_unforeseen_way_is_made_again() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = _ => silo.Asked.Count == 1 ? throw new InvalidOperationException("unforeseen") : FencedSilo.Acknowledge(SiloTable.Name(2));

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(silo.ConfirmAsync())).Outcome);
    });

    [Fact]
    public Task A_silo_that_dies_before_it_acknowledges_is_named_with_the_time_for_which_it_may_decide_and_is_not_asked_on() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = FencedSilo.AllBut(2);

        var writing = silo.ConfirmAsync();
        await silo.PassAsync(TimeSpan.FromSeconds(1));
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.Zero)];
        await silo.Readings.ReadAsync();
        await silo.PassAsync(TimeSpan.FromMilliseconds(300));
        var asked = silo.Asked.Count;
        var answer = await silo.FinishAsync(writing);

        var unconfirmed = Assert.Single(answer.Unconfirmed);
        var died = TimeSpan.FromSeconds(1);
        Assert.Equal(FenceOutcome.NotEverywhere, answer.Outcome);
        Assert.Equal((SiloTable.Name(2), (SiloTable.Grace * 1.01) + TimeSpan.FromSeconds(0.2) - (silo.Rights.Now - died)), (unconfirmed.Silo, unconfirmed.For));
        Assert.Equal(asked, silo.Asked.Count);
        Assert.Empty(silo.Pending.Counts);
        Assert.Equal([1233], silo.Log.Collector.GetSnapshot().Select(line => line.Id.Id));
    });

    [Fact]
    public Task A_silo_that_dies_before_it_acknowledges_and_has_ended_keeps_no_write_from_holding_everywhere() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = FencedSilo.AllBut(2);

        var writing = silo.ConfirmAsync();
        await silo.PassAsync(TimeSpan.FromSeconds(1));
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.Zero)];
        await silo.Readings.ReadAsync();
        await silo.PassAsync(TimeSpan.FromSeconds(3));
        Assert.False(writing.IsCompleted);
        silo.Table.Rows = [SiloTable.Row(1)];
        await silo.Readings.ReadAsync();

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(writing)).Outcome);
    });

    [Fact]
    public Task The_answer_comes_after_the_leases_that_any_silo_has_granted() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(3);
        silo.Answer = asked => Task.FromResult<TimeSpan?>(TimeSpan.FromSeconds(asked == SiloTable.Name(2) ? 1 : 0.5));

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(silo.ConfirmAsync())).Outcome);

        Assert.InRange(silo.Rights.Now, TimeSpan.FromSeconds(1.01), TimeSpan.FromSeconds(1.01) + AMoment);
    });

    [Fact]
    public Task The_answer_comes_after_the_leases_of_the_writing_silo_itself() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(1);
        var copy = silo.Rights.Fence.Open("c:client");
        Assert.True(copy.TryInstall(1, silo.Rights.Now, silo.Rights.Now));
        Assert.Equal(TimeSpan.FromSeconds(1), silo.Rights.Fence.Grant(copy, TimeSpan.FromSeconds(1), silo.Rights.Now));

        await silo.FinishAsync(silo.ConfirmAsync());

        Assert.True(silo.Rights.Now > TimeSpan.FromSeconds(1), $"{silo.Rights.Now}");
    });

    [Fact]
    public Task The_writing_silo_stops_using_older_state_at_once_and_asks_the_others_also_when_no_time_is_left() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        var copy = silo.Rights.Fence.Open("c:client");
        Assert.True(copy.TryInstall(1, silo.Rights.Now, silo.Rights.Now));

        var writing = silo.Writes.ConfirmAsync("c:client", 2, WriteKind.Change, TimeSpan.FromSeconds(1), spent: TimeSpan.FromSeconds(20));

        Assert.False(copy.IsCurrent);
        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(writing)).Outcome);
        Assert.Single(silo.Asked);
    });

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(5, 2, 3)]
    [InlineData(0, 0, 2.5)]
    [InlineData(60, 0, 8)]
    [InlineData(5, 6, 0.3)]
    public Task A_caller_is_answered_within_what_is_left_of_its_time(double within, double spent, double answered) => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = FencedSilo.AllBut(2);

        await silo.FinishAsync(silo.Writes.ConfirmAsync("c:client", 2, WriteKind.Change, TimeSpan.FromSeconds(within), TimeSpan.FromSeconds(spent)));

        // A silo that has not answered is looked at five times a second.
        Assert.InRange(silo.Rights.Now, TimeSpan.FromSeconds(answered), TimeSpan.FromSeconds(answered + 0.2));
    });

    [Fact]
    public Task A_write_after_which_the_membership_cannot_be_read_until_the_deadline_is_unknown() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Table.GoAway();

        var answer = await silo.FinishAsync(silo.ConfirmAsync());

        Assert.Equal(FenceOutcome.Unknown, answer.Outcome);
        Assert.InRange(silo.Rights.Now, FencedWrites.MaxWait, FencedWrites.MaxWait + TimeSpan.FromMilliseconds(100));
        Assert.Empty(silo.Pending.Counts);
    });

    [Fact]
    public Task A_first_reading_that_fails_is_made_again() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Table.GoAway();

        var writing = silo.ConfirmAsync();
        await silo.PassAsync(TimeSpan.FromSeconds(1));
        silo.Table.ComeBack();

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(writing)).Outcome);
        Assert.InRange(silo.Rights.Now, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.1));
    });

    [Fact]
    public Task A_claim_that_a_living_silo_does_not_acknowledge_is_unknown_and_is_not_sent_on() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = FencedSilo.AllBut(2);

        Assert.Equal(FenceOutcome.Unknown, (await silo.FinishAsync(silo.ConfirmAsync(kind: WriteKind.Claim))).Outcome);

        Assert.Empty(silo.Pending.Counts);
    });

    [Fact]
    public Task A_claim_waits_until_a_dead_silo_can_spend_no_longer_and_no_longer_than_that() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(1);
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.FromSeconds(1))];

        Assert.Equal(FenceOutcome.Everywhere, (await silo.FinishAsync(silo.ConfirmAsync(kind: WriteKind.Claim))).Outcome);

        // Twice the term of 2 s, 1 % more, and 0.2 s; of which 1 s has passed.
        Assert.InRange(silo.Rights.Now, TimeSpan.FromSeconds(3.24), TimeSpan.FromSeconds(3.24) + AMoment);
    });

    [Theory]
    [InlineData(IKeyRingGrain.Key, 1)]
    [InlineData("c:client", 0)]
    public Task A_change_of_the_keys_makes_the_writing_silo_load_them_and_no_other_change_does(string key, int loads) => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(1);

        await silo.FinishAsync(silo.ConfirmAsync(key));

        Assert.Equal(loads, silo.KeyLoads);
    });

    [Fact]
    public Task The_metric_has_the_time_to_each_answer_to_a_change_and_where_it_holds() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(2);
        using var answers = new MetricCollector<double>(silo.Meters, "AuthCluster.Fence", "authcluster.fence.answer.duration");

        await silo.FinishAsync(silo.ConfirmAsync());
        await silo.FinishAsync(silo.ConfirmAsync(kind: WriteKind.Claim));
        silo.Answer = FencedSilo.AllBut(2);
        await silo.FinishAsync(silo.ConfirmAsync());
        silo.Table.GoAway();
        await silo.FinishAsync(silo.ConfirmAsync());

        Assert.Equal(
            [("everywhere", 0), ("not_everywhere", 8), ("unknown", 8.0)],
            answers.GetMeasurementSnapshot().Select(answer => ((string)answer.Tags["holds"]!, Math.Floor(answer.Value))));
    });
}
