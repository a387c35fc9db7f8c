namespace AuthCluster.GrainTests.Fencing;

/// <summary>Writes that were answered before some living silos had acknowledged them.</summary>
public sealed class PendingVoidsTests
{
    private static readonly string Second = SiloTable.Name(2);
    private static readonly string Third = SiloTable.Name(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_write_is_sent_on_until_its_silo_has_acknowledged_it_and_then_no_more()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = FencedSilo.AllBut(2);
        silo.Pending.Add("c:a", 5, [Second]);

        await silo.Pending.SendAsync(Cancellation);
        await silo.Pending.SendAsync(Cancellation);
        Assert.Equal([(Second, "c:a", 5), (Second, "c:a", 5L)], silo.Asked);
        silo.Answer = FencedSilo.Acknowledge;
        await silo.Pending.SendAsync(Cancellation);
        await silo.Pending.SendAsync(Cancellation);

        Assert.Equal(3, silo.Asked.Count);
        Assert.Empty(silo.Pending.Counts);
        Assert.Equal([1230, 1231], Logged(silo));
    }

    [Fact]
    public async Task The_writes_that_each_silo_has_not_acknowledged_are_counted_once_a_key()
    {
        using var silo = await FencedSilo.AmongAsync(3);

        silo.Pending.Add("c:a", 5, [Second, Third]);
        silo.Pending.Add("c:a", 6, [Second]);
        silo.Pending.Add("c:b", 1, [Second]);

        Assert.Equal([(Second, 2), (Third, 1)], Counts(silo).Order());
        Assert.Equal(2, silo.Metrics.Unconfirmed);
        Assert.Equal([1230, 1230], Logged(silo));
    }

    [Fact]
    public async Task The_newest_version_of_a_key_is_sent_whatever_the_order_in_which_writes_were_answered()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Pending.Add("c:a", 6, [Second]);
        silo.Pending.Add("c:a", 5, [Second]);

        await silo.Pending.SendAsync(Cancellation);

        Assert.Equal([(Second, "c:a", 6L)], silo.Asked);
        Assert.Empty(silo.Pending.Counts);
    }

    [Fact]
    public async Task A_write_that_comes_while_an_older_one_of_its_key_is_sent_is_not_taken_for_acknowledged()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Pending.Add("c:a", 5, [Second]);
        silo.Answer = asked =>
        {
            silo.Pending.Add("c:a", 6, [Second]);
            return FencedSilo.Acknowledge(asked);
        };

        await silo.Pending.SendAsync(Cancellation);
        Assert.Equal([(Second, 1)], Counts(silo));
        await silo.Pending.SendAsync(Cancellation);

        Assert.Equal([(Second, "c:a", 5), (Second, "c:a", 6L)], silo.Asked);
        Assert.Empty(silo.Pending.Counts);
    }

    [Fact]
    public async Task The_writes_of_a_silo_that_is_no_longer_active_are_forgotten()
    {
        using var silo = await FencedSilo.AmongAsync(3);
        silo.Answer = FencedSilo.AllBut(3);
        silo.Pending.Add("c:a", 5, [Second, Third]);

        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.Zero), SiloTable.Row(3)];
        await silo.Readings.ReadAsync();
        await silo.Pending.SendAsync(Cancellation);

        Assert.Equal([Third], silo.Asked.Select(asked => asked.Silo));
        Assert.Equal([(Third, 1)], Counts(silo));
        Assert.Equal(1, silo.Metrics.Unconfirmed);
        Assert.Equal([1230, 1230, 1232], Logged(silo));
    }

    [Fact]
    public async Task A_dead_silo_that_keeps_writes_unconfirmed_is_logged_once_until_it_has_ended()
    {
        using var silo = await FencedSilo.AmongAsync(1);
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.Zero)];
        await silo.Readings.ReadAsync();

        silo.Pending.NoteDead(Second, TimeSpan.FromMinutes(9));
        await silo.Pending.SendAsync(Cancellation);
        silo.Pending.NoteDead(Second, TimeSpan.FromMinutes(8));
        Assert.Equal([1233], Logged(silo));
        silo.Table.Rows = [SiloTable.Row(1)];
        await silo.Readings.ReadAsync();
        await silo.Pending.SendAsync(Cancellation);
        silo.Pending.NoteDead(Second, TimeSpan.FromMinutes(7));

        Assert.Equal([1233, 1233], Logged(silo));
        Assert.Empty(silo.Asked);
    }

    [Fact]
    public async Task A_silo_that_does_not_acknowledge_one_write_is_not_asked_for_its_others_in_the_same_round()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Answer = FencedSilo.AllBut(2);
        silo.Pending.Add("c:a", 5, [Second]);
        silo.Pending.Add("c:b", 5, [Second]);

        await silo.Pending.SendAsync(Cancellation);

        Assert.Single(silo.Asked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_silo_that_hangs_or_whose_call_fails_in_an_unforeseen_way_keeps_no_other_waiting(bool hangs)
    {
        using var silo = await FencedSilo.AmongAsync(3);
        var answer = new TaskCompletionSource<TimeSpan?>();
        silo.Answer = asked => asked == Third ? FencedSilo.Acknowledge(asked) : hangs ? answer.Task : throw new InvalidOperationException("unforeseen");
        silo.Pending.Add("c:a", 5, [Second, Third]);

        var sending = silo.Pending.SendAsync(Cancellation);

        Assert.Equal([(Second, 1)], Counts(silo));
        answer.SetResult(null);
        await sending.ContinueWith(_ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    [Fact]
    public async Task Writes_are_sent_on_each_second_while_the_process_runs()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        using var asked = new SemaphoreSlim(0);
        silo.Answer = _ =>
        {
            asked.Release();
            return Task.FromResult<TimeSpan?>(null);
        };
        silo.Pending.Add("c:a", 5, [Second]);

        await silo.Pending.StartAsync(Cancellation);
        for (var second = 0; second < 5; second++)
        {
            Assert.True(await asked.WaitAsync(TimeSpan.FromSeconds(30), Cancellation), "It is not sent on.");
            silo.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await silo.Pending.StopAsync(Cancellation);
    }

    private static IEnumerable<(string Silo, int Writes)> Counts(FencedSilo silo) => silo.Pending.Counts.Select(count => (count.Silo, count.Writes));

    private static IEnumerable<int> Logged(FencedSilo silo) => silo.Log.Collector.GetSnapshot().Select(line => line.Id.Id);
}
