using System.Security.Cryptography;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Sweeps;
using AuthCluster.GrainTests.Clients;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Time;

/// <summary>What is stored, after the clock of the silos was wrong for a moment.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class WrongClockTests(GrainCluster cluster)
{
    private static readonly string[] Swept =
        ["revocation", "idempotency", "expiry_warning", "usage_hourly", "usage_daily", "usage_writer"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(4)]
    [InlineData(-1)]
    public async Task A_clock_that_is_years_off_for_a_minute_deletes_and_changes_nothing(int years)
    {
        await cluster.TrustClockAsync();
        var now = cluster.Clock.GetUtcNow();
        await FillAsync(now);
        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);
        var before = await RowsAsync();

        cluster.Clock.Set(now.AddYears(years));
        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);
        cluster.Clock.Set(now);

        Assert.All(before, table => Assert.NotEqual("[]", table.Rows));
        Assert.Equal(before, await RowsAsync());
    }

    [Fact]
    public async Task A_token_that_was_revoked_stays_so_though_the_revocations_were_read_while_the_clock_was_ahead()
    {
        var (id, generation) = await ClientAsync();
        await RevokeAsync(id, "revoked", generation, cluster.Clock.GetUtcNow().AddHours(1));
        await cluster.ForgetAsync(id);

        var now = cluster.Clock.GetUtcNow();
        cluster.Clock.Set(now.AddYears(1));
        await StandingAsync(id, "revoked", generation);
        cluster.Clock.Set(now);

        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "revoked", generation));
    }

    [Fact]
    public async Task A_token_that_is_revoked_while_the_clock_is_ahead_is_inactive_when_the_clock_is_right()
    {
        var (id, generation) = await ClientAsync();
        var now = cluster.Clock.GetUtcNow();

        cluster.Clock.Set(now.AddYears(1));
        await RevokeAsync(id, "revoked", generation, now.AddHours(1));
        cluster.Clock.Set(now);

        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "revoked", generation));
        await cluster.ForgetAsync(id);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "revoked", generation));
    }

    [Fact]
    public async Task A_key_gives_its_first_choices_though_it_is_used_again_while_the_clock_is_ahead()
    {
        await cluster.TrustClockAsync();
        var now = cluster.Clock.GetUtcNow();
        var first = Choice(now, "first");
        await ChooseAsync(first);

        cluster.Clock.Set(now.AddYears(1));
        var again = await ChooseAsync(first with { ClientId = "second", CreatedAt = now.AddYears(1) });
        cluster.Clock.Set(now);

        Assert.Equal(("first", "first"), (again, await ChooseAsync(first with { ClientId = "third" })));
    }

    [Fact]
    public async Task A_key_counts_for_an_hour_though_the_clock_of_the_front_end_is_behind()
    {
        await cluster.TrustClockAsync();
        var first = Choice(cluster.Clock.GetUtcNow().AddDays(-2), "first");
        await ChooseAsync(first);

        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);

        Assert.Equal("first", await ChooseAsync(first with { ClientId = "second" }));
    }

    [Fact]
    public async Task A_key_gives_new_choices_after_its_hour()
    {
        await cluster.TrustClockAsync();
        var first = Choice(cluster.Clock.GetUtcNow(), "first");
        await ChooseAsync(first);

        cluster.Clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal("second", await ChooseAsync(first with { ClientId = "second", CreatedAt = cluster.Clock.GetUtcNow() }));
    }

    [Fact]
    public async Task A_secret_that_is_retired_while_the_clock_is_ahead_ends()
    {
        var now = cluster.Clock.GetUtcNow();
        var id = await cluster.CreateAsync(Document("read"), SecretOf(Secret, "old", expiresAt: now.AddDays(90)));

        cluster.Clock.Set(now.AddYears(1));
        var added = await cluster.Client(id).AddSecretAsync(
            new AddSecretCommand(SecretOf("new", "new"), TimeSpan.Zero, null, Actor(), null, now), Cancellation);
        cluster.Clock.Set(now);

        Assert.Equal(ClientOutcome.Done, added.Outcome);
        Assert.Equal(Refusal.SecretNotValidNow, (await cluster.AskAsync(id)).Refusal);
    }

    [Fact]
    public async Task The_etag_of_what_a_key_made_is_kept_though_the_clock_is_ahead_at_the_next_creation()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var now = cluster.Clock.GetUtcNow();
        var first = await AddAsync(id, "one");

        cluster.Clock.Set(now.AddYears(1));
        await AddAsync(id, "two");
        cluster.Clock.Set(now);

        Assert.NotNull(first.ETag);
        Assert.Equal(first.ETag, (await AddAsync(id, "one")).ETag);
    }

    /// <summary>Rows that a right clock keeps, in each table that is swept.</summary>
    private async Task FillAsync(DateTimeOffset now)
    {
        var times = new
        {
            Id = NewId("kept"),
            Hash = RandomNumberGenerator.GetBytes(32),
            End = Stored(now.AddMinutes(30)),
            Now = Stored(now),
            Hour = Stored(now.AddDays(-1)),
            Day = Stored(new DateTimeOffset(now.AddDays(-500).Date, TimeSpan.Zero)),
        };
        await cluster.ExecuteAsync(
            """
            insert into revocation (kind, client_id, value, gen, expires_at) values ('token', @Id, 'jti', 1, @End);
            insert into idempotency (key_hash, body_hash, client_id, secret_id, created_at, expires_at) values (@Hash, @Hash, @Id, '', @Now, @End);
            insert into expiry_warning (client_id, secret_id, expires_at, days) values (@Id, 's', @End, 1);
            insert into usage_hourly (client_id, hour, outcome, writer, count) values (@Id, @Hour, 'issued', '', 1), (@Id, @Hour, 'issued', 'older', 1);
            insert into usage_daily (client_id, day, outcome, count) values (@Id, @Day, 'issued', 1);
            insert into usage_writer (writer, last_flush, flushed_at) values (@Id, 1, @Now);
            """,
            times);
    }

    private async Task<List<(string Table, string Rows)>> RowsAsync()
    {
        List<(string, string)> rows = [];
        foreach (var table in Swept)
        {
            // The silos write rows of their own to this table meanwhile.
            var ours = table == "usage_writer" ? " where writer like 'kept-%'" : "";
            var columns = await cluster.QueryAsync<string>($"select name from pragma_table_info('{table}')");
            var values = string.Join(", ", columns.Select(column => $"quote({column})"));
            rows.Add((table, Assert.Single(await cluster.QueryAsync<string>(
                $"select json_group_array(json_array({values}) order by {columns[0]}, {columns[1]}, {columns[^1]}) from {table}{ours}"))));
        }

        return rows;
    }

    private async Task<(string Id, long Generation)> ClientAsync()
    {
        var id = await cluster.CreateAsync(Document("read"));
        return (id, (await cluster.AskAsync(id)).Grant!.Generation);
    }

    private async Task RevokeAsync(string id, string jti, long generation, DateTimeOffset expiresAt) => Assert.Equal(
        ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(new RevokeTokenCommand(jti, generation, expiresAt), Cancellation)).Outcome);

    private async Task<TokenStanding> StandingAsync(string id, string jti, long generation) =>
        (await cluster.Client(id).CheckTokenAsync(new CheckTokenCommand(jti, generation), Cancellation)).Standing;

    private async Task<string> ChooseAsync(IdempotencyChoice choice) =>
        (await cluster.Grains.GetGrain<IIdempotencyGrain>(IIdempotencyGrain.Key).ChooseAsync(choice, Cancellation)).Choice!.ClientId;

    private Task<ClientAnswer> AddAsync(string id, string secret) => cluster.Client(id).AddSecretAsync(
        new AddSecretCommand(SecretOf(secret, secret), null, null, Actor(), $"key of {secret}", cluster.Clock.GetUtcNow()), Cancellation);

    private static IdempotencyChoice Choice(DateTimeOffset now, string clientId) => new()
    {
        KeyHash = [.. RandomNumberGenerator.GetBytes(32)],
        BodyHash = [.. RandomNumberGenerator.GetBytes(32)],
        ClientId = clientId,
        CreatedAt = now,
    };

    private static long Stored(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / 10;
}
