using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Limits;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>Decisions that have to wait for something: what they wait for, for how long, and what they decide by then.</summary>
public sealed class ClientDecisionsTests
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(600);

    [Fact]
    public Task A_decision_from_memory_is_there_at_once_and_asks_storage_nothing() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);

        var answer = client.Decisions.IssueAsync(Ask());

        Assert.True(answer.IsCompletedSuccessfully);
        Assert.Equal("read", (await answer).Grant!.Scope);
        Assert.Equal((1, 0), (client.Table.Reads, client.Table.Writes));
    });

    [Fact]
    public Task A_decision_waits_for_the_reading_of_a_row_that_is_not_known() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        var barrier = client.Table.BeforeRead = new Barrier();

        var issuing = client.Ask(2);
        var authenticating = client.Decisions.AuthenticateAsync(Present());
        await barrier.Reached;
        Assert.All<Task>([.. issuing, authenticating], call => Assert.False(call.IsCompleted));
        barrier.Open();

        Assert.All(await Task.WhenAll(issuing), answer => Assert.Equal(DecisionKind.Allowed, answer.Kind));
        Assert.Equal(DecisionKind.Allowed, (await authenticating).Kind);
        Assert.Equal(1, client.Table.Reads);
    });

    [Fact]
    public Task A_row_that_cannot_be_read_makes_every_call_unavailable_at_once() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        client.Failures.Of(ClientInParts.Id, Failure.Down);

        Assert.Equal(DecisionKind.Unavailable, (await client.Ask(1)[0]).Kind);
        Assert.Equal(DecisionKind.Unavailable, (await client.Decisions.AuthenticateAsync(Present())).Kind);
        Assert.Equal(TokenStanding.Unknown, await client.Decisions.CheckAsync(new CheckTokenCommand("jti", 0)));
    });

    [Fact]
    public Task Where_there_is_no_client_callers_are_refused_as_unknown_and_its_tokens_are_inactive() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(null);

        Assert.Equal(Refusal.UnknownClient, (await client.Ask(1)[0]).Refusal);
        Assert.Equal(Refusal.UnknownClient, (await client.Decisions.AuthenticateAsync(Present())).Refusal);
        Assert.Equal(TokenStanding.Inactive, await client.Decisions.CheckAsync(new CheckTokenCommand("jti", 0)));
    });

    [Fact]
    public Task A_reading_that_takes_longer_than_a_call_waits_is_answered_not_now_and_serves_the_next_call() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = new ClientInParts(ClientInParts.PlainClient);
        var barrier = client.Table.BeforeRead = new Barrier();

        var issuing = client.Ask(1)[0];
        var authenticating = client.Decisions.AuthenticateAsync(Present());
        await barrier.Reached;
        client.Clock.Advance(MaxWait);

        Assert.Equal(DecisionKind.NotNow, (await issuing).Kind);
        Assert.Equal(DecisionKind.NotNow, (await authenticating).Kind);
        var next = client.Ask(1)[0];
        barrier.Open();
        Assert.Equal(DecisionKind.Allowed, (await next).Kind);
        Assert.Equal(1, client.Table.Reads);
    });

    [Fact]
    public Task A_call_that_has_waited_for_600_ms_is_told_not_now_and_spends_nothing_then_or_later() => ActivationTurns.RunAsync(async () =>
    {
        var document = ClientInParts.WithRateLimit(burst: 10, ClientInParts.WithQuota(100));
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(document));
        var barrier = client.Table.BeforeWrite = new Barrier();

        var calls = client.Ask(5);
        await barrier.Reached;
        client.Clock.Advance(MaxWait - TimeSpan.FromMilliseconds(1));
        Assert.All(calls, call => Assert.False(call.IsCompleted));
        client.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal((DecisionKind.NotNow, null), (answer.Kind, answer.Limit)));
        barrier.Open();
        Assert.True(await client.LimitWork.Start(LimitNeed.None));

        // The decision is as if nobody had asked before.
        var next = await client.Ask(1)[0];
        Assert.Equal((DecisionKind.Allowed, 9, 99), (next.Kind, next.Limit!.Remaining, next.Limit.QuotaRemaining));
        Assert.Equal(1, client.Table.Writes);
    });

    [Fact]
    public Task A_call_that_waits_for_a_second_write_has_600_ms_for_both() => ActivationTurns.RunAsync(async () =>
    {
        // A block has one permit, so one of two callers needs a second block.
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(3)));
        var first = client.Table.BeforeWrite = new Barrier();
        var calls = client.Ask(2);
        await first.Reached;
        client.Clock.Advance(TimeSpan.FromMilliseconds(400));
        var second = client.Table.BeforeWrite = new Barrier();
        first.Open();
        Assert.Equal(DecisionKind.Allowed, (await await Task.WhenAny(calls)).Kind);
        await second.Reached;

        client.Clock.Advance(TimeSpan.FromMilliseconds(200));

        Assert.Equal([DecisionKind.Allowed, DecisionKind.NotNow], (await Task.WhenAll(calls)).Select(answer => answer.Kind).Order());
        second.Open();
        Assert.True(await client.LimitWork.Start(LimitNeed.None));
        Assert.Equal(1, (await client.Ask(1)[0]).Limit!.QuotaRemaining);
    });

    [Fact]
    public Task A_client_that_another_silo_disables_while_a_call_waits_is_refused_once_the_wait_is_over() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        var barrier = client.Table.BeforeWrite = new Barrier();

        var waiting = client.Ask(10);
        await barrier.Reached;
        client.Table.Set(ClientInParts.Disabled(client.Row.Stored!));
        barrier.Open();

        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(Refusal.ClientDisabled, answer.Refusal));
    });

    [Fact]
    public Task A_client_that_is_disabled_while_its_block_waits_for_storage_is_refused_and_nothing_is_spent() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        using var slots = await OccupyAsync(client.Gate, StorageLane.Background);

        var waiting = client.Ask(10);
        Assert.NotNull(await client.DisableAsync());
        Assert.All(waiting, call => Assert.False(call.IsCompleted));
        slots.Dispose();

        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(Refusal.ClientDisabled, answer.Refusal));
        Assert.NotNull(await client.Row.ChangeAsync(
            state => ValueTask.FromResult<ClientState?>(state! with { Enabled = true, Revision = state.Revision + 1 }), CancellationToken.None));
        Assert.Equal(99, (await client.Ask(1)[0]).Limit!.QuotaRemaining);
    });

    [Fact]
    public Task A_wrong_secret_is_refused_at_once_while_others_wait_for_a_block() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.StateOf(ClientInParts.WithQuota(100)));
        var barrier = client.Table.BeforeWrite = new Barrier();
        var waiting = client.Ask(1)[0];
        await barrier.Reached;

        var wrong = client.Decisions.IssueAsync(Ask(Present("wrong")));

        Assert.True(wrong.IsCompleted);
        Assert.Equal(Refusal.WrongSecret, (await wrong).Refusal);
        Assert.False(waiting.IsCompleted);
        barrier.Open();
        Assert.Equal(99, (await waiting).Limit!.QuotaRemaining);
    });

    /// <summary>Takes every slot of a lane until the result is disposed.</summary>
    private static async Task<Slots> OccupyAsync(StorageGate gate, StorageLane lane)
    {
        List<StorageSlot> taken = [];
        for (var next = gate.EnterAsync(lane, CancellationToken.None); ; next = gate.EnterAsync(lane, CancellationToken.None))
        {
            if (!next.IsCompleted)
            {
                return new Slots(taken, next);
            }

            taken.Add(await next);
        }
    }

    private sealed class Slots(List<StorageSlot> taken, Task<StorageSlot> waiting) : IDisposable
    {
        public void Dispose()
        {
            taken.ForEach(slot => slot.Dispose());
            taken.Clear();
            _ = waiting.ContinueWith(static slot => slot.Result.Dispose(), TaskScheduler.Default);
        }
    }
}
