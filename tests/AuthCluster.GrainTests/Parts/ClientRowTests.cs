using System.Text.Json;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.StoredState;
using AuthCluster.GrainTests.Cluster;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What an activation knows of its row: when it reads, what it keeps in memory, and what it takes over.</summary>
public sealed class ClientRowTests
{
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_row_is_unknown_until_it_is_read_and_then_gives_a_policy() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        Assert.Equal((RowState.Unknown, null), (client.Row.State, client.Row.Policy));

        await client.Row.OpenAsync(Cancellation);

        Assert.Equal((RowState.Known, true), (client.Row.State, client.Row.CanDecide));
        Assert.Equal(["read"], client.Row.Policy!.Document.Scopes);
        Assert.Equal(["replaced: client"], client.Told);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Where_there_is_no_row_or_a_tombstone_the_client_is_absent(bool wasDeleted) => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(wasDeleted ? new ClientState { Deleted = true, Revision = 3 } : null);

        Assert.Equal((RowState.Absent, true, null), (client.Row.State, client.Row.CanDecide, client.Row.Policy));
        Assert.Equal(wasDeleted, client.Row.Stored is not null);
        Assert.Equal(["replaced: nobody"], client.Told);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_row_or_a_document_that_no_build_can_read_gives_no_decision_until_a_writer_finds_it_mended(bool isDocument) => ActivationTurns.RunAsync(async () =>
    {
        var broken = ClientInParts.PlainClient with { Document = JsonElement.Parse("""{ "scopes": 1 }""") };
        await using var client = new ClientInParts(isDocument ? broken : ClientInParts.PlainClient);
        client.Table.ReadFailure = isDocument ? null : new JsonException("no JSON");
        await client.Row.OpenAsync(Cancellation);

        Assert.Equal((RowState.Unreadable, false, null), (client.Row.State, client.Row.CanDecide, client.Row.Policy));
        Assert.False(await client.Row.EnsureReadAsync());
        Assert.False(await client.Row.RefreshAsync(Cancellation));
        Assert.Empty(client.Told);

        client.Table.ReadFailure = null;
        client.Table.Set(ClientInParts.PlainClient);

        Assert.True(await client.Row.RefreshAsync(Cancellation));
        Assert.Equal(RowState.Known, client.Row.State);
    });

    [Fact]
    public Task A_reading_that_failed_is_not_repeated_for_a_second_and_then_succeeds() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.Down);
        await client.Row.OpenAsync(Cancellation);
        client.Failures.End(ClientInParts.Id);

        client.Clock.Advance(FailureCountsFor - TimeSpan.FromMilliseconds(1));
        Assert.False(await client.Row.EnsureReadAsync());
        Assert.Equal((RowState.Unknown, 0), (client.Row.State, client.Table.Reads));

        client.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(await client.Row.EnsureReadAsync());
        Assert.Equal((RowState.Known, 1), (client.Row.State, client.Table.Reads));
    });

    [Fact]
    public Task The_second_after_a_failed_reading_begins_anew_with_each_failure() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        client.Table.ReadFailure = new TimeoutException();
        await client.Row.OpenAsync(Cancellation);

        for (var reads = 1; reads <= 3; reads++)
        {
            Assert.False(await client.Row.EnsureReadAsync());
            Assert.Equal(reads, client.Table.Reads);
            client.Clock.Advance(FailureCountsFor);
            Assert.False(await client.Row.EnsureReadAsync());
        }
    });

    [Fact]
    public Task Concurrent_callers_share_one_read_of_the_row() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        var barrier = client.Table.BeforeRead = new Barrier();

        var calls = Enumerable.Range(0, 100).Select(_ => client.Row.EnsureReadAsync()).ToList();
        await barrier.Reached;
        calls.Add(client.Row.EnsureReadAsync());
        Assert.All(calls, one => Assert.False(one.IsCompleted));
        barrier.Open();

        Assert.All(await Task.WhenAll(calls), Assert.True);
        Assert.Equal(1, client.Table.Reads);
    });

    [Fact]
    public Task A_known_row_is_not_read_again() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.Down);

        Assert.True(await client.Row.EnsureReadAsync());
        Assert.True(await client.Row.RefreshAsync(Cancellation));
        Assert.Equal(1, client.Table.Reads);
    });

    [Theory]
    [InlineData("missing")]
    [InlineData("lower revision")]
    [InlineData("lower generation")]
    public Task A_row_that_went_back_in_time_is_not_adopted_and_nothing_more_is_decided(string how) => ActivationTurns.RunAsync(async () =>
    {
        var seen = ClientInParts.PlainClient with { Revision = 5, Generation = 2 };
        await using var client = await ClientInParts.OpenAsync(seen);

        client.Table.Set(how switch
        {
            "missing" => null,
            "lower revision" => seen with { Revision = 4 },
            _ => seen with { Revision = 9, Generation = 1, CreatedAt = seen.CreatedAt.AddDays(1) },
        });
        Assert.Null(await client.DisableAsync());

        Assert.Equal((RowState.GoneBack, null, true), (client.Row.State, client.Row.Policy, client.Row.MustStayActive));
        var reads = client.Table.Reads;
        client.Clock.Advance(TimeSpan.FromHours(1));
        Assert.False(await client.Row.EnsureReadAsync());
        Assert.False(await client.Row.RefreshAsync(Cancellation));
        Assert.Null(await client.DisableAsync());
        Assert.Equal((reads, 0), (client.Table.Reads, client.Table.Writes));
    });

    [Fact]
    public Task A_client_that_another_activation_deleted_and_created_anew_has_not_gone_back() => ActivationTurns.RunAsync(async () =>
    {
        var seen = ClientInParts.PlainClient with { Revision = 5, Generation = 2 };
        await using var client = await ClientInParts.OpenAsync(seen);

        client.Table.Set(seen with { Revision = 1, Generation = 3, CreatedAt = seen.CreatedAt.AddDays(1) });

        Assert.NotNull(await client.DisableAsync());
        Assert.Equal((RowState.Known, 4), (client.Row.State, client.Row.Policy!.Generation));
    });

    [Fact]
    public Task A_known_client_is_decided_by_what_was_read_last_while_its_row_cannot_be_read() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        await ForgetVersionAsync(client);

        client.Failures.Of(ClientInParts.Id, Failure.Down);

        Assert.False(await client.Row.RefreshAsync(Cancellation));
        Assert.Equal(RowState.Known, client.Row.State);
        Assert.NotNull(client.Row.Policy);
        Assert.True(await client.Row.EnsureReadAsync());
    });

    [Fact]
    public Task An_absent_client_whose_row_can_no_longer_be_read_is_unknown_since_it_may_have_been_created() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(null);
        client.Table.Set(ClientInParts.PlainClient with { Deleted = true });
        // A write meets a version that the activation does not know, and then storage fails.
        client.Table.BeforeRead = new Barrier();
        var change = client.Row.ChangeAsync(_ => ValueTask.FromResult<ClientState?>(ClientState.NeverExisted), Cancellation);
        await client.Table.BeforeRead.Reached;
        client.Table.ReadFailure = new TimeoutException();
        client.Table.BeforeRead.Open();

        Assert.Null(await change);
        Assert.Equal((RowState.Unknown, false), (client.Row.State, client.Row.CanDecide));
    });

    /// <summary>Makes the next write read the row first, by a background write that gets no answer.</summary>
    private static async Task ForgetVersionAsync(ClientInParts client)
    {
        client.Failures.Of(ClientInParts.Id, Failure.LostOnTheWay);
        Assert.Null(await client.Row.ChangeInBackgroundAsync(state => state! with { LimitOwner = "me" }));
        client.Failures.End(ClientInParts.Id);
    }
}
