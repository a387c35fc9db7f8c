using System.Text.Json;
using AuthCluster.Client;
using AuthCluster.Client.Revocation;
using AuthCluster.ClientTests.Servers;

namespace AuthCluster.ClientTests.Clients;

/// <summary>RFC 8414: how the SDK gets the server's metadata, keeps them, and works without them.</summary>
public class MetadataTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Values of a member that the SDK can't use, as JSON.</summary>
    public static TheoryData<string> UnusableMembers => ["\"http://plain.example/introspect\"", "\"no address\"", "\"\"", "null", "5", "true", "[\"https://one.example\"]", "{\"a\":{\"b\":[1]}}"];

    [Fact]
    public async Task Callers_who_wait_for_metadata_that_do_not_come_share_one_fetch_and_each_ends_at_its_own_time_limit()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForIntrospection(clock, issuer);
        issuer.Listener.Break("never answers");
        var introspection = host.Introspection;

        var tokens = Enumerable.Range(0, 20).Select(i => host.Tokens.GetTokenAsync(new($"scope-{i}"), Cancel).AsTask()).ToArray();
        var standings = Enumerable.Range(0, 20).Select(i => introspection.CheckAsync($"token-{i}", Cancel).AsTask()).ToArray();
        for (var begun = 0; begun < tokens.Length + 1; begun++)
            await clock.WaitBegunAsync(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)); // each caller's bound and that of the fetch
        while (issuer.Listener.Faulted == 0)
            await Task.Yield();
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.All(await Task.WhenAll(standings), standing => Assert.Equal(TokenStanding.Unknown, standing));
        Assert.Equal(1, issuer.Listener.Faulted);
        clock.Advance(TimeSpan.FromSeconds(27));

        foreach (var token in tokens)
            Assert.True((await Assert.ThrowsAsync<AuthClusterException>(() => token)).IsTransient);
        Assert.InRange(issuer.Listener.Faulted, 1, 3);
    }

    [Fact]
    public async Task A_failed_fetch_is_remembered_for_a_moment_and_then_tried_again()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => options.MaxRetries = 0);
        issuer.Listener.Break("502 page");

        var failures = new List<AuthClusterException>();
        for (var i = 0; i < 50; i++)
            failures.Add(await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(new($"scope-{i}"), Cancel).AsTask()));
        Assert.All(failures, failure => Assert.Equal(AuthClusterError.ServerError, failure.Error));
        Assert.Equal(1, issuer.Listener.Faulted);
        issuer.Listener.Break(null);
        clock.Advance(TimeSpan.FromSeconds(1.2));

        Assert.NotEmpty((await host.Tokens.GetTokenAsync(new("scope-of-a-new-caller"), Cancel)).Value);
    }

    [Fact]
    public async Task Metadata_that_are_an_hour_old_serve_while_the_next_are_fetched()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var elsewhere = await FakeIssuer.StartAsync(clock);
        elsewhere.Secrets[issuer.Secret] = true;
        issuer.TokenEndpoint = elsewhere.Issuer + "/oauth/token";
        await using var host = SdkHost.ForTokens(clock, issuer);
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        issuer.Listener.Break("never answers");
        clock.Advance(TimeSpan.FromHours(2));
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel); // the clock stands: a call that waited would wait for ever

        Assert.Equal(2, elsewhere.TokenRequests.Count);
    }

    [Fact]
    public async Task Metadata_without_the_endpoint_are_not_kept_for_an_hour()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.NamesNoEndpoint = true;
        await using var host = SdkHost.ForTokens(clock, issuer);

        for (var i = 0; i < 20; i++)
        {
            var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(new($"scope-{i}"), Cancel).AsTask());
            Assert.Equal(AuthClusterError.UnexpectedAnswer, failure.Error);
        }

        Assert.Equal(1, issuer.MetadataRequests);
        issuer.NamesNoEndpoint = false;
        clock.Advance(TimeSpan.FromSeconds(1.2));
        await host.Tokens.GetTokenAsync(new("scope-of-a-new-caller"), Cancel);
    }

    [Theory]
    [MemberData(nameof(UnusableMembers))]
    public async Task A_member_that_cannot_be_used_stops_only_what_needs_it(string json)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.MetadataMembers["introspection_endpoint"] = JsonSerializer.Deserialize<object>(json);
        await using var host = SdkHost.ForIntrospection(clock, issuer);
        var introspection = host.Introspection;

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(TokenStanding.Unknown, await introspection.CheckAsync($"token-{i}", Cancel));
            await host.Tokens.GetTokenAsync(new($"scope-{i}"), Cancel);
        }

        Assert.Equal(1, issuer.MetadataRequests);
        issuer.MetadataMembers.Clear();
        clock.Advance(TimeSpan.FromSeconds(1.2));
        Assert.Equal(TokenStanding.Active, await introspection.CheckAsync("another", Cancel));
        Assert.Equal(2, issuer.MetadataRequests);
    }

    [Fact]
    public void A_member_whose_text_is_no_unicode_spoils_no_other()
    {
        var document = JsonSerializer.Deserialize("""{"issuer":"https://auth.example","token_endpoint":"\ud800","introspection_endpoint":"https://auth.example/i"}""", ClientJson.Default.ServerMetadata)!;

        Assert.Null(document.TokenEndpoint);
        Assert.Equal(("https://auth.example", "https://auth.example/i"), (document.Issuer, document.IntrospectionEndpoint));
    }

    [Theory]
    [MemberData(nameof(UnusableMembers))]
    public async Task A_member_that_no_key_needs_stops_no_reading_of_the_keys(string json)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        foreach (var name in new[] { "token_endpoint", "introspection_endpoint", "grant_types_supported" })
            issuer.MetadataMembers[name] = JsonSerializer.Deserialize<object>(json);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Fact]
    public async Task While_the_next_metadata_cannot_be_read_the_present_ones_serve_every_call_whose_member_they_have()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var elsewhere = await FakeIssuer.StartAsync(clock);
        elsewhere.Secrets[issuer.Secret] = true;
        issuer.TokenEndpoint = elsewhere.Issuer + "/oauth/token";
        issuer.MetadataMembers["introspection_endpoint"] = null;
        await using var host = SdkHost.ForIntrospection(clock, issuer, change: options => options.MaxRetries = 0);
        var introspection = host.Introspection;
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        issuer.Listener.Break("502 page");

        for (var second = 0; second < 20; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1.2));
            Assert.Equal(TokenStanding.Unknown, await introspection.CheckAsync($"token-{second}", Cancel));
            await host.Tokens.GetTokenAsync(new($"scope-{second}"), Cancel);
        }

        Assert.InRange(issuer.Listener.Faulted, 1, 8); // after pauses of 1, 2, 4, 8 … seconds, each times 0.6 to 1.2
    }
}
