using System.Globalization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Grains.Sweeps;
using AuthCluster.GrainTests.Clients;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Revocation;

/// <summary>Which tokens are active, without a row for each.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class TokenRevocationTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_is_active_while_its_generation_is_the_present_one_and_its_id_not_revoked()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var grain = cluster.Client(id);
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;

        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "one", generation));
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", generation - 1));
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", generation + 1));
        Assert.Equal(ClientOutcome.Done, (await grain.RevokeTokenAsync(Revocation("one", generation), Cancellation)).Outcome);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", generation));
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "two", generation));
        await cluster.ForgetAsync(id);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", generation));
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(NewId("nobody"), "one", generation));
    }

    [Fact]
    public async Task Within_the_same_moment_tokens_from_before_the_revocation_are_inactive_and_later_ones_active()
    {
        var id = await cluster.CreateAsync(Document("read"));

        var before = (await cluster.AskAsync(id)).Grant!.Generation;
        await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        var after = (await cluster.AskAsync(id)).Grant!.Generation;

        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", before));
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "one", after));
    }

    [Fact]
    public async Task Disabling_ends_the_tokens_and_enabling_does_not_bring_them_back()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;

        await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", generation));
        await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(true, null, Actor()), Cancellation);

        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "one", generation));
    }

    [Fact]
    public async Task The_mark_of_a_reusable_grant_moves_with_each_revoked_token()
    {
        var document = Document("read");
        document["tokenReuseSeconds"] = 30;
        var id = await cluster.CreateAsync(document);
        var first = (await cluster.AskAsync(id)).Grant!;

        Assert.Equal(first.RevocationMark, (await cluster.AskAsync(id)).Grant!.RevocationMark);
        await cluster.Client(id).RevokeTokenAsync(Revocation("one", first.Generation), Cancellation);
        var second = (await cluster.AskAsync(id)).Grant!;
        await cluster.ForgetAsync(id);
        var third = (await cluster.AskAsync(id)).Grant!;

        Assert.Equal(3, new[] { first, second, third }.Select(grant => grant.RevocationMark).Distinct().Count());
    }

    [Fact]
    public async Task Past_ten_thousand_unexpired_revocations_a_client_is_told_to_revoke_all_and_has_room_again_when_they_have_expired()
    {
        await cluster.TrustClockAsync();
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        var end = cluster.Clock.GetUtcNow().AddMinutes(10);
        await cluster.ExecuteAsync(
            """
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
            insert into revocation (kind, client_id, value, gen, expires_at)
            select 'token', @Id, 'jti-' || i, @Gen, @End from n
            """,
            new { Id = id, Gen = generation + 1, End = (end - DateTimeOffset.UnixEpoch).Ticks / 10 });

        Assert.Equal(ClientOutcome.TooMany, (await cluster.Client(id).RevokeTokenAsync(Revocation("more", generation), Cancellation)).Outcome);
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "more", generation));
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(Revocation("jti-7", generation), Cancellation)).Outcome);

        // A minute past their end the revocations are still in force, because some clock may be behind.
        cluster.Clock.Advance(TimeSpan.FromMinutes(11));
        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);
        await cluster.ForgetAsync(id);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "jti-7", generation));
        Assert.Equal(ClientOutcome.TooMany, (await cluster.Client(id).RevokeTokenAsync(Revocation("more", generation), Cancellation)).Outcome);

        cluster.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(Revocation("more", generation), Cancellation)).Outcome);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "more", generation));

        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);
        Assert.Equal(1, Assert.Single(await cluster.QueryAsync<int>("select count(*) from revocation where client_id = @Id", new { Id = id })));
    }

    [Fact]
    public async Task Expired_tokens_that_a_clock_in_doubt_has_stored_are_bounded_and_hinder_no_revocation_of_a_valid_one()
    {
        await cluster.TrustClockAsync();
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        var now = cluster.Clock.GetUtcNow();
        await cluster.ExecuteAsync(
            """
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 19999)
            insert into revocation (kind, client_id, value, gen, expires_at)
            select 'token', @Id, 'jti-' || i, @Gen, @End from n
            """,
            new { Id = id, Gen = generation + 1, End = (now.AddMinutes(1) - DateTimeOffset.UnixEpoch).Ticks / 10 });
        // The clock is set ahead by two hours: a token that expires within them may still be valid, and nothing is swept.
        cluster.Clock.Set(now.AddHours(2));
        var expired = Revocation("last", generation) with { ExpiresAt = now.AddHours(1) };

        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(expired, Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.TooMany, (await cluster.Client(id).RevokeTokenAsync(expired with { Jti = "more" }, Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(Revocation("live", generation), Cancellation)).Outcome);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "last", generation));
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "more", generation));
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "live", generation));

        await cluster.ExecuteAsync("delete from revocation where value like 'jti-%' and client_id = @Id", new { Id = id });
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(expired with { Jti = "more" }, Cancellation)).Outcome);
        cluster.Clock.Set(now);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "more", generation));
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "last", generation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_revocation_whose_answer_was_lost_is_stored_for_sure_before_anything_is_answered_and_a_repeat_is_harmless(bool stored)
    {
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "lost", generation));
        var command = Revocation("lost", generation);

        // Another connection has locked the database, so the write is under way when its deadline passes.
        await using (var other = await cluster.Database.OpenAsync(Cancellation))
        await using (await other.BeginTransactionAsync(Cancellation))
        {
            var revoking = cluster.Client(id).RevokeTokenAsync(command, Cancellation);
            while (!revoking.IsCompleted)
            {
                cluster.Clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(10, Cancellation);
            }

            Assert.Equal(ClientOutcome.Unavailable, (await revoking).Outcome);
        }

        if (stored)
        {
            await cluster.ExecuteAsync(
                "insert into revocation (kind, client_id, value, gen, expires_at) values ('token', @Id, 'lost', @Gen, @End)",
                new { Id = id, Gen = generation + 1, End = (command.ExpiresAt - DateTimeOffset.UnixEpoch).Ticks / 10 });
        }

        await cluster.RecoverAsync();
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "lost", generation));
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(command, Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(command, Cancellation)).Outcome);
        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "lost", generation));
        Assert.Equal(1, Assert.Single(await cluster.QueryAsync<int>("select count(*) from revocation where client_id = @Id", new { Id = id })));
    }

    [Fact]
    public async Task What_was_revoked_of_a_later_generation_is_known_once_that_generation_is_the_present_one()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        // From now on the revoked tokens of the present generation are in memory.
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "elsewhere", generation));

        // Another activation of this client revokes a token of the next generation.
        await cluster.ExecuteAsync(
            "insert into revocation (kind, client_id, value, gen, expires_at) values ('token', @Id, 'elsewhere', @Gen, @End)",
            new { Id = id, Gen = generation + 2, End = (cluster.Clock.GetUtcNow().AddHours(1) - DateTimeOffset.UnixEpoch).Ticks / 10 });
        await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);

        Assert.Equal(TokenStanding.Inactive, await StandingAsync(id, "elsewhere", generation + 1));
        Assert.Equal(TokenStanding.Active, await StandingAsync(id, "another", generation + 1));
    }

    [Fact]
    public async Task Revoking_an_inactive_token_stores_no_row()
    {
        await cluster.TrustClockAsync();
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;

        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(Revocation("old", generation - 1), Cancellation)).Outcome);
        var ended = Revocation("ended", generation) with { ExpiresAt = cluster.Clock.GetUtcNow() };
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).RevokeTokenAsync(ended, Cancellation)).Outcome);

        Assert.Equal(0, Assert.Single(await cluster.QueryAsync<int>("select count(*) from revocation where client_id = @Id", new { Id = id })));
    }

    [Fact]
    public async Task The_feed_tells_every_kind_in_order_and_goes_on_from_its_cursor()
    {
        var feed = cluster.Grains.GetGrain<IRevocationFeedGrain>(IRevocationFeedGrain.Key);
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        var cursor = await EndAsync(feed);

        await cluster.Client(id).RevokeTokenAsync(Revocation("fed", generation), Cancellation);
        await cluster.Client(id).RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        var first = await feed.ReadAsync(cursor, 1, Cancellation);
        var second = await feed.ReadAsync(first.Next, 10, Cancellation);

        Assert.Equal((RevokedKind.Token, "fed"), (first.Items[0].Kind, first.Items[0].Value));
        var client = Assert.Single(second.Items);
        Assert.Equal((RevokedKind.Client, id, generation + 1), (client.Kind, client.Value, client.Generation));
        Assert.Empty((await feed.ReadAsync(second.Next, 10, Cancellation)).Items);
    }

    private async Task<TokenStanding> StandingAsync(string id, string jti, long generation) =>
        (await cluster.Client(id).CheckTokenAsync(new CheckTokenCommand(jti, generation), Cancellation)).Standing;

    private RevokeTokenCommand Revocation(string jti, long generation) => new(jti, generation, cluster.Clock.GetUtcNow().AddHours(1));

    private static async Task<string> EndAsync(IRevocationFeedGrain feed)
    {
        string? cursor = null;
        while (await feed.ReadAsync(cursor, 1_000, Cancellation) is { } page)
        {
            if (page.Items.IsEmpty)
            {
                return page.Next;
            }

            cursor = page.Next;
        }

        throw new InvalidOperationException(cursor?.ToString(CultureInfo.InvariantCulture));
    }
}
