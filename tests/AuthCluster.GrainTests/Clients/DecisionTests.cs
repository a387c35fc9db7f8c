using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.TestKit;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What a client's grain decides, and in which order it refuses.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class DecisionTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scopes_that_are_asked_are_granted_in_the_order_of_registration_and_none_asked_means_the_default()
    {
        var document = Document("read", "write", "delete");
        document["defaultScopes"] = new JsonArray("write", "read");
        var id = await cluster.CreateAsync(document);

        Assert.Equal("read write", (await cluster.AskAsync(id)).Grant!.Scope);
        Assert.Equal("read delete", (await cluster.AskAsync(id, Ask(scope: "delete read"))).Grant!.Scope);
        Assert.Equal(Refusal.ScopeNotAllowed, (await cluster.AskAsync(id, Ask(scope: "read admin"))).Refusal);
    }

    [Fact]
    public async Task The_id_alone_says_where_a_client_is_placed_and_the_silos_get_even_shares()
    {
        var management = cluster.Grains.GetGrain<IManagementGrain>(0);
        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => cluster.CreateAsync(Document("read"))));
        List<string> places = [];

        // A silo that has just started does not know at once which grains the other silo can hold.
        await Eventually.HoldsAsync(
            "twice in a row every client is placed where it was",
            TimeSpan.FromSeconds(10),
            async () =>
            {
                places = await PlaceAnewAsync();
                return places.Distinct().Count() == 2 && places.SequenceEqual(await PlaceAnewAsync());
            },
            Cancellation);

        Assert.All(places.CountBy(place => place), share => Assert.InRange(share.Value, 5, 35));

        async Task<List<string>> PlaceAnewAsync()
        {
            await Task.WhenAll(ids.Select(cluster.ForgetAsync));
            await Task.WhenAll(ids.Select(id => cluster.AskAsync(id)));
            return [.. await Task.WhenAll(ids.Select(async id => $"{await management.GetActivationAddress(cluster.Client(id))}"))];
        }
    }

    [Fact]
    public async Task Lifetime_claims_and_audience_come_from_the_document_or_from_the_server()
    {
        var plain = await cluster.CreateAsync(Document("read"));
        var document = Document("read");
        document["tokenLifetimeSeconds"] = 90;
        document["claims"] = new JsonObject { ["tenant"] = "t1" };
        document["audiences"] = new JsonArray("https://one.example", "inventory");
        var own = await cluster.CreateAsync(document);

        var usual = (await cluster.AskAsync(plain)).Grant!;
        var special = (await cluster.AskAsync(own)).Grant!;

        Assert.Equal((GrainCluster.LifetimeSeconds, (string?)null), (usual.LifetimeSeconds, usual.ClaimsJson));
        Assert.Equal([GrainCluster.DefaultAudience], usual.Audiences);
        Assert.Equal((90, """{"tenant":"t1"}"""), (special.LifetimeSeconds, special.ClaimsJson));
        Assert.Equal(["https://one.example", "inventory"], special.Audiences);
        Assert.Equal(["inventory"], (await cluster.AskAsync(own, Ask(audiences: ["inventory"]))).Grant!.Audiences);
        Assert.Equal(["https://one.example"], (await cluster.AskAsync(own, Ask(resources: ["https://one.example"]))).Grant!.Audiences);
        Assert.Equal(Refusal.TargetNotAllowed, (await cluster.AskAsync(own, Ask(audiences: ["https://other.example"]))).Refusal);
    }

    [Fact]
    public async Task Refusals_come_in_the_order_secret_state_method_grant_scope_target_limit()
    {
        var document = Document("read");
        document["grantTypes"] = new JsonArray();
        document["authMethods"] = new JsonArray("client_secret_basic");
        document["rateLimit"] = new JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = 1 };
        var id = await cluster.CreateAsync(document);
        var all = Ask(Present("wrong", AuthMethod.ClientSecretPost), "admin", ["https://other.example"]);

        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, all)).Refusal);
        all = all with { Secret = Present(Secret, AuthMethod.ClientSecretPost) };
        Assert.Equal(ClientOutcome.Done, (await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation)).Outcome);
        Assert.Equal(Refusal.ClientDisabled, (await cluster.AskAsync(id, all)).Refusal);
        await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(true, null, Actor()), Cancellation);
        Assert.Equal(Refusal.MethodNotAllowed, (await cluster.AskAsync(id, all)).Refusal);
        all = all with { Secret = Present() };
        Assert.Equal(Refusal.GrantNotAllowed, (await cluster.AskAsync(id, all)).Refusal);
        document["grantTypes"] = new JsonArray("client_credentials");
        await cluster.Client(id).ReplaceAsync(new ReplaceClientCommand { DocumentJson = document.ToJsonString(), Actor = Actor() }, Cancellation);
        Assert.Equal(Refusal.ScopeNotAllowed, (await cluster.AskAsync(id, all)).Refusal);
        all = all with { Scopes = ["read"] };
        Assert.Equal(Refusal.TargetNotAllowed, (await cluster.AskAsync(id, all)).Refusal);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id)).Kind);
        Assert.Equal(Refusal.RateLimited, (await cluster.AskAsync(id)).Refusal);
        Assert.Equal(Refusal.TargetNotAllowed, (await cluster.AskAsync(id, all)).Refusal);
        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("wrong")))).Refusal);
    }

    [Fact]
    public async Task Each_secret_counts_from_its_start_to_its_end()
    {
        var now = cluster.Clock.GetUtcNow();
        var id = await cluster.CreateAsync(
            Document("read"),
            SecretOf("always", "s1"),
            SecretOf("ended", "s2", expiresAt: now),
            SecretOf("soon", "s3", notBefore: now.AddMinutes(1), expiresAt: now.AddMinutes(2)));

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("always")))).Kind);
        Assert.Equal(Refusal.SecretNotValidNow, (await cluster.AskAsync(id, Ask(Present("ended")))).Refusal);
        Assert.Equal(Refusal.SecretNotValidNow, (await cluster.AskAsync(id, Ask(Present("soon")))).Refusal);
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("soon")))).Kind);
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Refusal.SecretNotValidNow, (await cluster.AskAsync(id, Ask(Present("soon")))).Refusal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_slow_secret_is_proven_once_and_only_a_strong_one_outlives_the_activation(bool strong)
    {
        var id = await cluster.CreateAsync(Document("read"), SlowSecretOf("given"));

        var first = await cluster.AskAsync(id, Ask(Present("given")));
        Assert.Equal(DecisionKind.Prove, first.Kind);
        var challenge = Assert.Single(first.Challenges);
        var wrong = new SlowHashProof(challenge.SecretId, [.. Slow("other")], strong);
        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("other", proofs: wrong)))).Refusal);
        var proof = new SlowHashProof(challenge.SecretId, [.. Slow("given")], strong);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("given", proofs: proof)))).Kind);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("given")))).Kind);
        Assert.Equal(Refusal.WrongSecret, (await cluster.AskAsync(id, Ask(Present("other")))).Refusal);

        await cluster.HasFastHashesAsync(id, strong ? 1 : 0);
        await cluster.ForgetAsync(id);

        Assert.Equal(strong ? DecisionKind.Allowed : DecisionKind.Prove, (await cluster.AskAsync(id, Ask(Present("given")))).Kind);
    }

    [Fact]
    public async Task Two_strong_secrets_that_are_proven_at_the_same_moment_are_both_kept()
    {
        var id = await cluster.CreateAsync(Document("read"), SlowSecretOf("one", "a"), SlowSecretOf("two", "b"));

        await Task.WhenAll(new[] { "one", "two" }.Select(secret => cluster.AskAsync(id, Ask(Present(
            secret,
            proofs: [new SlowHashProof("a", [.. Slow(secret)], true), new SlowHashProof("b", [.. Slow(secret)], true)])))));
        await cluster.HasFastHashesAsync(id, 2);
        await cluster.ForgetAsync(id);

        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("one")))).Kind);
        Assert.Equal(DecisionKind.Allowed, (await cluster.AskAsync(id, Ask(Present("two")))).Kind);
    }

    [Fact]
    public async Task Unknown_ids_leave_no_activation()
    {
        var ids = Enumerable.Range(0, 2_000).Select(i => $"unknown-{i}").ToList();

        foreach (var some in ids.Chunk(50))
        {
            var answers = await Task.WhenAll(some.Select(id => cluster.AskAsync(id)));
            Assert.All(answers, answer => Assert.Equal((DecisionKind.Refused, Refusal.UnknownClient), (answer.Kind, answer.Refusal)));
        }

        var management = cluster.Grains.GetGrain<IManagementGrain>(0);
        var left = int.MaxValue;
        for (var tries = 0; tries < 50 && left > 100; tries++)
        {
            left = (await management.GetDetailedGrainStatistics(null, null, Cancellation)).Count(statistic => statistic.GrainId.Key.ToString()!.StartsWith("c:unknown-", StringComparison.Ordinal));
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.InRange(left, 0, 100);
    }

    [Fact]
    public async Task Many_callers_of_one_unknown_id_are_all_refused()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            while (true)
            {
                try
                {
                    return await cluster.AskAsync("unknown-and-popular");
                }
                catch (OrleansMessageRejectionException)
                {
                    // Its activation went away meanwhile; the front end asks again.
                }
            }
        }));

        Assert.All(answers, answer => Assert.Equal(Refusal.UnknownClient, answer.Refusal));
    }

    [Fact]
    public async Task The_generation_grows_over_revoking_disabling_deleting_and_creating_anew()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var grain = cluster.Client(id);
        var generations = new List<long> { (await cluster.AskAsync(id)).Grant!.Generation };

        await grain.RevokeTokensAsync(new RevokeTokensCommand(null, Actor()), Cancellation);
        generations.Add((await cluster.AskAsync(id)).Grant!.Generation);
        await grain.SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation);
        await grain.SetEnabledAsync(new SetEnabledCommand(true, null, Actor()), Cancellation);
        generations.Add((await cluster.AskAsync(id)).Grant!.Generation);
        await grain.DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation);
        Assert.Equal(Refusal.UnknownClient, (await cluster.AskAsync(id)).Refusal);
        Assert.Equal(ClientOutcome.NotFound, (await cluster.Client(id).GetAsync(Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Taken, (await grain.CreateAsync(Creation(Document("read")) with { OnlyIfNeverExisted = true }, Cancellation)).Outcome);
        Assert.Equal(ClientOutcome.Done, (await grain.CreateAsync(Creation(Document("read")), Cancellation)).Outcome);
        generations.Add((await cluster.AskAsync(id)).Grant!.Generation);
        await cluster.ForgetAsync(id);

        Assert.Equal(generations.Order().Distinct(), generations);
        Assert.Equal(generations[^1], (await cluster.AskAsync(id)).Grant!.Generation);
        Assert.Equal(ClientOutcome.Taken, (await cluster.Client(id).CreateAsync(Creation(Document("read")), Cancellation)).Outcome);
    }

    [Fact]
    public async Task Usage_is_counted_once_however_often_it_is_flushed()
    {
        var id = await cluster.CreateAsync(Document("read"));
        await cluster.AllowedOfAsync(id, 5);
        await cluster.FlushAsync();
        await cluster.AskAsync(id, Ask(Present("wrong")));
        await cluster.AllowedOfAsync(id, 2);
        await cluster.FlushAsync();
        await cluster.FlushAsync();
        await cluster.ForgetAsync(id);
        await cluster.AllowedOfAsync(id, 1);
        await cluster.FlushAsync();

        var counts = await cluster.QueryAsync<long>(
            "select sum(count) from usage_hourly where client_id = @Id group by outcome = 'issued' order by 1", new { Id = id });

        Assert.Equal([1, 8], counts);
    }
}
