using AuthCluster.Grains.Clients;
using AuthCluster.Grains.StoredState;
using AuthCluster.GrainTests.Cluster;

namespace AuthCluster.GrainTests.Parts;

/// <summary>The writes of a row: their turns, other activations' writes, and writes that get no answer.</summary>
public sealed class ClientRowWriteTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_write_replaces_what_is_in_memory_once_storage_has_answered_and_not_before() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        var barrier = client.Table.BeforeWrite = new Barrier();

        var writing = client.DisableAsync();
        await barrier.Reached;
        Assert.True(client.Row.Policy!.Enabled);
        barrier.Open();

        Assert.NotNull(await writing);
        Assert.False(client.Row.Policy!.Enabled);
        Assert.Equal(["replaced: client", "write ended: Done", "replaced: client"], client.Told);
    });

    [Fact]
    public Task Writers_take_turns_and_each_builds_on_what_the_one_before_has_written() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        var first = client.Row.Stored!.Revision;

        var writing = Enumerable.Range(0, 20).Select(i => i % 2 == 0
            ? client.Row.ChangeAsync(state => ValueTask.FromResult<ClientState?>(Next(state)), Cancellation)
            : client.Row.ChangeInBackgroundAsync(Next));

        Assert.All(await Task.WhenAll(writing), version => Assert.NotNull(version));
        Assert.Equal(first + 20, client.Table.Row!.Revision);
        Assert.Equal((1, 20, 1), (client.Table.MaxAtOnce, client.Table.Writes, client.Table.Reads));
    });

    [Fact]
    public Task A_writer_that_gives_up_waiting_for_its_turn_keeps_it_from_nobody() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        var barrier = client.Table.BeforeWrite = new Barrier();
        using var given = new CancellationTokenSource();
        var isAsked = false;

        var first = client.DisableAsync();
        await barrier.Reached;
        var second = client.Row.ChangeAsync(
            state =>
            {
                isAsked = true;
                return ValueTask.FromResult<ClientState?>(Next(state));
            },
            given.Token);
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        var third = client.Row.ChangeInBackgroundAsync(Next);
        barrier.Open();

        Assert.NotNull(await first);
        Assert.NotNull(await third);
        Assert.False(isAsked);
        Assert.Equal(2, client.Table.Writes);
    });

    [Fact]
    public Task A_change_that_fails_by_an_exception_gives_the_turn_to_the_next_one() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);

        await Assert.ThrowsAsync<InvalidOperationException>(() => client.Row.ChangeAsync(_ => throw new InvalidOperationException(), Cancellation));

        Assert.NotNull(await client.DisableAsync());
    });

    [Fact]
    public Task A_change_that_changes_nothing_is_done_without_a_write() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);

        Assert.NotNull(await client.Row.ChangeAsync(_ => ValueTask.FromResult<ClientState?>(null), Cancellation));
        Assert.NotNull(await client.Row.ChangeInBackgroundAsync(_ => null));

        Assert.Equal(0, client.Table.Writes);
    });

    [Fact]
    public Task A_change_that_meets_another_activations_write_is_computed_again_from_the_written_state() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Table.Set(client.Row.Stored! with { Revision = 7 });
        List<long> asked = [];

        var version = await client.Row.ChangeAsync(
            state =>
            {
                asked.Add(state!.Revision);
                return ValueTask.FromResult<ClientState?>(Next(state));
            },
            Cancellation);

        Assert.NotNull(version);
        Assert.Equal([1, 7], asked);
        Assert.Equal(8, client.Table.Row!.Revision);
        Assert.Equal(["replaced: client", "write ended: Conflict", "replaced: client", "write ended: Done", "replaced: client"], client.Told);
    });

    [Fact]
    public Task A_change_that_meets_another_write_each_time_is_given_up_after_five_times() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        var asked = 0;

        var version = await client.Row.ChangeAsync(
            state =>
            {
                asked++;
                client.Table.Set(Next(state));
                return ValueTask.FromResult<ClientState?>(Next(state));
            },
            Cancellation);

        Assert.Equal((null, 5, 0), (version, asked, client.Table.Writes));
        Assert.NotNull(await client.DisableAsync());
    });

    [Fact]
    public Task A_write_that_storage_never_got_leaves_all_as_it_was_and_the_next_one_reads_nothing_first() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.Down);

        Assert.Null(await client.DisableAsync());
        Assert.Null(await client.Row.ChangeInBackgroundAsync(Next));
        client.Failures.End(ClientInParts.Id);

        Assert.Equal((RowState.Known, false), (client.Row.State, client.Row.MustStayActive));
        Assert.True(client.Row.Policy!.Enabled);
        Assert.NotNull(await client.DisableAsync());
        Assert.Equal(1, client.Table.Reads);
    });

    [Fact]
    public Task After_an_administrative_write_without_an_answer_nothing_is_decided_until_the_row_is_read_and_the_late_write_loses() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.LandsLater);

        Assert.Null(await client.DisableAsync());
        client.Failures.End(ClientInParts.Id);
        Assert.Equal((RowState.Unknown, null, true), (client.Row.State, client.Row.Policy, client.Row.MustStayActive));

        Assert.True(await client.Row.EnsureReadAsync());
        Assert.Equal((RowState.Known, false), (client.Row.State, client.Row.MustStayActive));
        Assert.False(await client.Failures.LandAsync(ClientInParts.Id));
        Assert.True(client.Row.Policy!.Enabled);
        Assert.True(client.Table.Row!.Enabled);
    });

    [Fact]
    public Task An_administrative_write_that_was_done_though_its_answer_was_lost_is_read_and_not_written_over() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.AnswerLost);

        Assert.Null(await client.DisableAsync());
        client.Failures.End(ClientInParts.Id);

        Assert.True(await client.Row.EnsureReadAsync());
        Assert.False(client.Row.Policy!.Enabled);
        Assert.False(client.Row.MustStayActive);
        Assert.Equal(1, client.Table.Writes);
    });

    [Fact]
    public Task A_creation_without_an_answer_loses_to_a_tombstone_of_a_client_that_never_was() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(null);
        client.Failures.Of(ClientInParts.Id, Failure.LandsLater);

        Assert.Null(await client.Row.ChangeAsync(_ => ValueTask.FromResult<ClientState?>(ClientInParts.PlainClient), Cancellation));
        client.Failures.End(ClientInParts.Id);

        Assert.True(await client.Row.EnsureReadAsync());
        Assert.Equal((RowState.Absent, false), (client.Row.State, client.Row.Stored!.Existed));
        Assert.False(await client.Failures.LandAsync(ClientInParts.Id));
    });

    [Fact]
    public Task While_the_late_write_can_not_be_made_to_lose_the_row_stays_unknown() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.LandsLater);
        Assert.Null(await client.DisableAsync());
        // Reads are answered again, and writes are not.
        client.Failures.Of(ClientInParts.Id, Failure.LostOnTheWay);

        Assert.False(await client.Row.EnsureReadAsync());

        Assert.Equal((RowState.Unknown, null, true), (client.Row.State, client.Row.Policy, client.Row.MustStayActive));
        Assert.False(await client.Row.RefreshAsync(Cancellation));
        client.Failures.End(ClientInParts.Id);
        Assert.True(await client.Row.RefreshAsync(Cancellation));
        Assert.False(await client.Failures.LandAsync(ClientInParts.Id));
    });

    [Theory]
    [InlineData(Failure.AnswerLost, 1)]
    [InlineData(Failure.LostOnTheWay, 0)]
    public Task After_a_background_write_without_an_answer_decisions_go_on_and_the_row_is_read_before_the_next_write(Failure failure, int written) => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, failure);

        Assert.Null(await client.Row.ChangeInBackgroundAsync(state => state! with { LimitOwner = "first" }));
        client.Failures.End(ClientInParts.Id);
        Assert.Equal((RowState.Known, false, 1), (client.Row.State, client.Row.MustStayActive, client.Table.Reads));
        Assert.NotNull(client.Row.Policy);

        string? read = null;
        Assert.NotNull(await client.Row.ChangeInBackgroundAsync(state =>
        {
            read = state!.LimitOwner;
            return state with { LimitOwner = "second" };
        }));

        Assert.Equal(written == 1 ? "first" : null, read);
        Assert.Equal((2, written + 1, "second"), (client.Table.Reads, client.Table.Writes, client.Table.Row!.LimitOwner));
    });

    private static ClientState Next(ClientState? state) => state! with { Revision = state.Revision + 1 };
}
