using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Grains.Revocation;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Sweeps;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Parts;

/// <summary>The revoked tokens of one client, over a database file and without a grain.</summary>
public sealed class RevokedTokensTests : IAsyncLifetime
{
    private const string Client = "client";

    private readonly SqliteTables _tables = new();
    private readonly FakeTimeProvider _clock = new(ClientInParts.Start);
    private readonly RevocationStore _store;
    private readonly StorageGate _gate;
    private long _generation = 5;

    public RevokedTokensTests()
    {
        _store = new RevocationStore(_tables.Database);
        _gate = new StorageGate(_tables.Database, _clock, NullLogger<StorageGate>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _tables.MigrateAsync();

    public ValueTask DisposeAsync() => _tables.DisposeAsync();

    [Fact]
    public Task Whether_a_token_is_revoked_is_unknown_until_the_revoked_tokens_are_read() => ActivationTurns.RunAsync(async () =>
    {
        await StoreAsync("stored", _generation);
        var revoked = Open();
        Assert.Null(revoked.Contains("stored"));

        Assert.True(await revoked.LoadAsync());

        Assert.Equal((true, false), (revoked.Contains("stored"), revoked.Contains("other")));
    });

    [Fact]
    public Task A_revoked_token_is_known_at_once_and_to_the_next_activation_and_revoking_it_again_stores_nothing() => ActivationTurns.RunAsync(async () =>
    {
        var revoked = Open();
        Assert.Equal(ClientOutcome.Done, await revoked.AddAsync(Command("jti"), Cancellation));
        Assert.True(revoked.Contains("jti"));
        await FailAsync();

        Assert.Equal(ClientOutcome.Done, await revoked.AddAsync(Command("jti"), Cancellation));

        await RecoverAsync();
        var next = Open();
        Assert.True(await next.LoadAsync());
        Assert.True(next.Contains("jti"));
    });

    [Fact]
    public Task While_the_revoked_tokens_can_not_be_read_none_is_known_and_none_is_revoked() => ActivationTurns.RunAsync(async () =>
    {
        var revoked = Open();
        await FailAsync();

        Assert.False(await revoked.LoadAsync());
        Assert.Equal(ClientOutcome.Unavailable, await revoked.AddAsync(Command("jti"), Cancellation));
        Assert.Null(revoked.Contains("jti"));

        await RecoverAsync();
        Assert.True(await revoked.LoadAsync());
        Assert.False(revoked.Contains("jti"));
    });

    [Fact]
    public Task Once_read_the_revoked_tokens_of_a_generation_are_known_without_storage() => ActivationTurns.RunAsync(async () =>
    {
        var revoked = Open();
        Assert.True(await revoked.LoadAsync());
        await FailAsync();

        Assert.True(await revoked.LoadAsync());
        Assert.False(revoked.Contains("jti"));
    });

    [Fact]
    public Task With_a_new_generation_the_revoked_tokens_are_read_again() => ActivationTurns.RunAsync(async () =>
    {
        var revoked = Open();
        await StoreAsync("of the present", _generation);
        await StoreAsync("of the next", _generation + 1);
        Assert.True(await revoked.LoadAsync());
        Assert.Equal((true, false), (revoked.Contains("of the present"), revoked.Contains("of the next")));

        _generation++;

        Assert.Null(revoked.Contains("of the next"));
        Assert.True(await revoked.LoadAsync());
        Assert.Equal((false, true), (revoked.Contains("of the present"), revoked.Contains("of the next")));
    });

    [Fact]
    public Task A_revoked_token_stays_revoked_past_its_end_until_the_sweep_takes_it() => ActivationTurns.RunAsync(async () =>
    {
        var command = Command("jti");
        Assert.Equal(ClientOutcome.Done, await Open().AddAsync(command, Cancellation));

        Assert.True(await IsRevokedAfterSweepAsync(command.ExpiresAt + TableSweeper.RevocationsKeptAfterEnd - TimeSpan.FromSeconds(1)));
        Assert.False(await IsRevokedAfterSweepAsync(command.ExpiresAt + TableSweeper.RevocationsKeptAfterEnd));

        async Task<bool?> IsRevokedAfterSweepAsync(DateTimeOffset now)
        {
            await _store.SweepAsync(now - TableSweeper.RevocationsKeptAfterEnd, 100, Cancellation);
            var next = Open();
            Assert.True(await next.LoadAsync());
            return next.Contains("jti");
        }
    });

    [Fact]
    public Task Beyond_ten_thousand_unexpired_tokens_no_more_are_revoked_until_the_sweep_has_deleted_some() => ActivationTurns.RunAsync(async () =>
    {
        await StoreManyAsync(RevokedTokens.MaxLive - 1, _clock.GetUtcNow().AddMinutes(10));
        var revoked = Open();

        Assert.Equal(ClientOutcome.Done, await revoked.AddAsync(Command("last"), Cancellation));
        Assert.Equal(ClientOutcome.TooMany, await revoked.AddAsync(Command("more"), Cancellation));
        Assert.Equal(ClientOutcome.Done, await revoked.AddAsync(Command("last"), Cancellation));
        Assert.False(revoked.Contains("more"));

        _clock.Advance(TimeSpan.FromMinutes(10) + TableSweeper.RevocationsKeptAfterEnd);
        await _store.SweepAsync(_clock.GetUtcNow() - TableSweeper.RevocationsKeptAfterEnd, RevokedTokens.MaxLive, Cancellation);

        Assert.Equal(ClientOutcome.Done, await revoked.AddAsync(Command("more"), Cancellation));
        // The tokens that the sweep deleted are forgotten in memory too.
        Assert.Equal((true, true, false), (revoked.Contains("more"), revoked.Contains("last"), revoked.Contains("jti-1")));
    });

    [Fact]
    public Task The_mark_starts_at_random_and_changes_with_each_revoked_token_and_with_nothing_else() => ActivationTurns.RunAsync(async () =>
    {
        var revoked = Open();
        var first = revoked.Mark;
        Assert.NotEqual(0, first);
        await revoked.LoadAsync();
        Assert.Equal(first, revoked.Mark);

        await revoked.AddAsync(Command("jti"), Cancellation);
        var second = revoked.Mark;
        await revoked.AddAsync(Command("jti"), Cancellation);

        Assert.NotEqual(first, second);
        Assert.Equal(second, revoked.Mark);
        Assert.NotEqual(second, Open().Mark);
    });

    private RevokedTokens Open() => new(Client, () => _generation, _store, _gate, _clock);

    /// <summary>The command that revokes a token of the present generation. The generation of its row is one more.</summary>
    private RevokeTokenCommand Command(string jti) => new(jti, _generation - 1, _clock.GetUtcNow().AddHours(1));

    private Task StoreAsync(string jti, long generation) => _store.AddAsync(
        [new RevocationItem(RevokedKind.Token, Client, jti, generation, _clock.GetUtcNow().AddHours(1))], Cancellation);

    private Task StoreManyAsync(int count, DateTimeOffset end) => _tables.ExecuteAsync(
        """
        with recursive n(i) as (select 1 union all select i + 1 from n where i < @Count)
        insert into revocation (kind, client_id, value, gen, expires_at)
        select 'token', @Client, 'jti-' || i, @Gen, @End from n
        """,
        new { Count = count, Client, Gen = _generation, End = (end - DateTimeOffset.UnixEpoch).Ticks / 10 });

    private Task<bool> FailAsync() => _gate.ProbeAsync(_ => throw new TimeoutException(), Cancellation);

    private Task<bool> RecoverAsync() => _gate.ProbeAsync(_ => Task.CompletedTask, Cancellation);
}
