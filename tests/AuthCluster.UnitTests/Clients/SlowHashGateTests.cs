using System.Globalization;
using System.Text;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Web.Clients;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Who gets a slow hash computed, and who waits for whom.</summary>
public sealed class SlowHashGateTests
{
    private const string Home = "7F0000";
    private const string Elsewhere = "0A0000";

    // Some tenths of a second each, so that requests made meanwhile find the slots taken.
    private static readonly SlowHashParameters Slow = new(SlowHashAlgorithm.Pbkdf2Sha256, [1, 2, 3, 4], 300_000, 0, 0, 32);
    private static readonly SlowHashParameters Quick = Slow with { Iterations = 20_000 };

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly SlowHashGate _gate = new(TimeProvider.System);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Callers_with_one_secret_wait_for_one_computation()
    {
        var secret = "the right one, of which there is one"u8.ToArray();
        var expected = SlowHash.Compute(Slow, secret);

        // A hundred computations would take about twenty times as long as a caller waits.
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => _gate.ComputeAsync(Home, "orders", Slow, secret, Cancellation))));

        Assert.All(all, computed => Assert.Equal(expected, computed));
    }

    [Fact]
    public async Task A_flood_over_many_clients_leaves_room_and_a_turn_for_another_network()
    {
        var flood = Enumerable.Range(0, 400)
            .Select(i => _gate.ComputeAsync(Home, string.Create(CultureInfo.InvariantCulture, $"client-{i % 40}"), Quick, Wrong(i), Cancellation))
            .ToList();

        var right = _gate.ComputeAsync(Elsewhere, "orders", Quick, "the right one"u8.ToArray(), Cancellation);

        Assert.Equal(SlowHash.Compute(Quick, "the right one"u8), await right);
        // The caller waited for a few requests of the flood, not for those that are still queued.
        Assert.Contains(flood, each => !each.IsCompleted);
        Assert.Contains(await Task.WhenAll(flood), computed => computed is null);
    }

    [Fact]
    public async Task When_the_queue_is_full_the_network_with_most_waiting_callers_makes_room()
    {
        // Four networks fill the queue.
        var flood = Enumerable.Range(0, 400)
            .Select(i => _gate.ComputeAsync($"network {i % 4}", string.Create(CultureInfo.InvariantCulture, $"client-{i % 40}"), Quick, Wrong(i), Cancellation))
            .ToList();

        var right = await _gate.ComputeAsync(Elsewhere, "orders", Quick, "the right one"u8.ToArray(), Cancellation);

        Assert.NotNull(right);
        await Task.WhenAll(flood);
    }

    [Fact]
    public async Task A_client_of_the_flooding_network_takes_turns_with_the_flooded_client()
    {
        var flood = Enumerable.Range(0, 16).Select(i => _gate.ComputeAsync(Home, "flooded", Slow, Wrong(i), Cancellation)).ToList();

        var other = await _gate.ComputeAsync(Home, "orders", Quick, "the right one"u8.ToArray(), Cancellation);

        Assert.NotNull(other);
        Assert.Contains(flood, each => !each.IsCompleted);
        await Task.WhenAll(flood);
    }

    [Fact]
    public async Task A_caller_who_gives_up_takes_no_later_turn()
    {
        var busy = Enumerable.Range(0, 8).Select(i => _gate.ComputeAsync(Elsewhere, $"busy-{i}", Quick, Wrong(i), Cancellation)).ToList();
        using var impatient = new CancellationTokenSource();
        var givenUp = _gate.ComputeAsync(Home, "orders", Slow with { Iterations = 1_000_000_000 }, Wrong(1), impatient.Token);

        await impatient.CancelAsync();

        Assert.Null(await givenUp);
        // The abandoned computation, an hour of work, never began: the callers behind it are served.
        await Task.WhenAll(busy);
        Assert.NotNull(await _gate.ComputeAsync(Home, "orders", Quick, Wrong(2), Cancellation));
    }

    [Fact]
    public async Task A_flood_of_wrong_secrets_from_many_networks_and_an_administrator_take_turns()
    {
        var held = await TakeAllTurnsAsync();
        var flood = Enumerable.Range(0, 200).Select(i => _gate.ComputeAsync($"network {i}", "orders", Quick, Wrong(i), Cancellation)).ToList();
        var administrator = _gate.TakeTurnAsync(Soon, Cancellation);

        EndTurns(held);

        Assert.True(await administrator);
        Assert.Contains(flood, each => !each.IsCompleted);
        _gate.EndTurn();
        await Task.WhenAll(flood);
    }

    [Fact]
    public async Task A_login_and_a_flood_of_new_secrets_take_turns()
    {
        var held = await TakeAllTurnsAsync();
        var administrators = Enumerable.Range(0, 50).Select(_ => _gate.TakeTurnAsync(Soon, Cancellation)).ToList();
        var login = _gate.ComputeAsync(Home, "orders", Quick, "the right one"u8.ToArray(), Cancellation);

        // A turn that ends goes to an administrator, who keeps it, or to the login.
        _gate.EndTurn();
        _gate.EndTurn();

        Assert.NotNull(await login);
        Assert.Contains(administrators, each => !each.IsCompleted);
        EndTurns(held + administrators.Count - 2);
        Assert.All(await Task.WhenAll(administrators), Assert.True);
    }

    [Fact]
    public async Task An_administrator_who_gives_up_leaves_no_turn_taken()
    {
        var held = await TakeAllTurnsAsync();
        using var impatient = new CancellationTokenSource();
        var givenUp = _gate.TakeTurnAsync(Soon, impatient.Token);

        await impatient.CancelAsync();

        Assert.False(await givenUp);
        Assert.False(await _gate.TakeTurnAsync(TimeSpan.Zero, Cancellation));
        EndTurns(held);
        Assert.Equal(held, await TakeAllTurnsAsync());
    }

    [Fact]
    public async Task A_turn_that_is_free_is_not_given_to_an_administrator_who_has_gone()
    {
        Assert.False(await _gate.TakeTurnAsync(Soon, new CancellationToken(canceled: true)));

        Assert.NotEqual(0, await TakeAllTurnsAsync());
    }

    private async Task<int> TakeAllTurnsAsync()
    {
        var taken = 0;
        while (await _gate.TakeTurnAsync(TimeSpan.Zero, Cancellation))
        {
            taken++;
        }

        return taken;
    }

    private void EndTurns(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _gate.EndTurn();
        }
    }

    private static byte[] Wrong(int i) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"a wrong one, number {i}"));
}
