using System.Text.Json;
using AuthCluster.ClientTests.Servers;

namespace AuthCluster.ClientTests.Keys;

public class IssuerKeysTests
{
    [Fact]
    public async Task A_key_rotation_of_the_issuer_fails_no_call()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        var old = issuer.Mint();
        Assert.Equal(200, await api.StatusAsync(old));
        clock.Advance(TimeSpan.FromSeconds(6));

        issuer.Rotate("k2"); // the worst case: used at once, not published ahead
        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => api.StatusAsync(i % 2 == 0 ? old : issuer.Mint())));

        Assert.All(statuses, status => Assert.Equal(200, status));
        Assert.Equal(2, issuer.KeyRequests);
    }

    [Fact]
    public async Task Keys_are_read_anew_after_ten_minutes_in_the_background_and_a_withdrawn_one_is_refused()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        var old = issuer.Mint();
        Assert.Equal(200, await api.StatusAsync(old));

        issuer.Rotate("k2", withdrawOld: true);
        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(200, await api.StatusAsync(old));
        clock.Advance(TimeSpan.FromMinutes(1));
        await api.StatusAsync(old); // starts the reading

        while (await api.StatusAsync(old) != 401)
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
        Assert.Equal(2, issuer.KeyRequests);
    }

    [Fact]
    public async Task Tokens_with_invented_key_ids_cost_the_issuer_one_request_in_five_seconds()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));

        for (var second = 0; second < 10; second++)
        {
            for (var i = 0; i < 20; i++)
                Assert.Equal(401, await api.StatusAsync(issuer.Mint(token => token.SigningCredentials = FakeIssuer.NewKey($"invented-{second}-{i}"))));
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(issuer.KeyRequests, 2, 3);
    }

    [Fact]
    public async Task While_the_issuer_is_down_the_last_keys_are_good_for_a_day()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));

        issuer.IsDown = true;
        clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
        clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        issuer.IsDown = false;
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Fact]
    public async Task An_api_that_has_never_reached_its_issuer_answers_503_and_recovers()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.IsDown = true;
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        using var response = await api.GetAsync("/any", issuer.Mint());
        using var open = await api.GetAsync("/open", issuer.Mint());
        issuer.IsDown = false;
        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(503, (int)response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        Assert.Equal(200, (int)open.StatusCode);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Fact]
    public async Task Metadata_of_another_issuer_brings_no_keys()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.MetadataIssuer = "https://evil.example";
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        Assert.Equal(0, issuer.KeyRequests);
    }

    [Theory]
    [InlineData("40", "Sun, 01 Mar 2026 12:00:03 GMT")]
    [InlineData("Sun, 01 Mar 2026 12:00:43 GMT", "Sun, 01 Mar 2026 12:00:03 GMT")]
    [InlineData("Sun, 01 Mar 2026 09:10:40 GMT", "Sun, 01 Mar 2026 09:10:00 GMT")] // our clock or the server's is wrong
    [InlineData("Mon, 01 Mar 2027 09:10:40 GMT", "Mon, 01 Mar 2027 09:10:00 GMT")]
    public async Task A_server_that_names_a_time_is_not_asked_before_it_and_the_next_failure_has_its_own_pause(string retryAfter, string date)
    {
        var clock = new TestClock(); // it is 12:00:00
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.KeysInstead = response =>
        {
            clock.Advance(TimeSpan.FromSeconds(3)); // the time counts from the answer
            (response.StatusCode, response.Headers.RetryAfter, response.Headers.Date) = (503, retryAfter, date);
            return true;
        };
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        clock.Advance(TimeSpan.FromSeconds(39.9));
        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        Assert.Equal(1, issuer.KeyRequests);
        issuer.IsDown = true;
        clock.Advance(TimeSpan.FromSeconds(8.1));
        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        (issuer.IsDown, issuer.KeysInstead) = (false, null);
        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("Sun, 01 Mar 2026 13:00:00 GMT")]
    [InlineData("Wed, 01 Jan 2098 00:00:00 GMT")]
    public async Task A_server_that_names_an_hour_is_asked_again_after_a_minute(string retryAfter)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.KeysInstead = response =>
        {
            (response.StatusCode, response.Headers.RetryAfter, response.Headers.Date) = (503, retryAfter, "Sun, 01 Mar 2026 12:00:00 GMT");
            return true;
        };
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        issuer.KeysInstead = null;

        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(503, await api.StatusAsync(issuer.Mint()));
        clock.Advance(TimeSpan.FromSeconds(13));

        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("\"key\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"kty":5}""")]
    [InlineData("""{"kty":"EC","kid":7,"crv":"P-256","x":"AA","y":"AA"}""")]
    [InlineData("""{"kty":"EC","kid":"k0","use":"sig","crv":"P-999","x":"AA","y":"AA"}""")]
    [InlineData("""{"kty":"EC","kid":"k0","use":"sig","crv":"P-256","x":"!","y":"!"}""")]
    [InlineData("""{"kty":"RSA","kid":"k0","use":"sig","n":"","e":""}""")]
    [InlineData("""{"kty":"RSA","kid":"k0","use":"sig","n":{"a":1},"e":[]}""")]
    [InlineData("""{"kty":"OKP","kid":"k0","use":"sig","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""")]
    [InlineData("""{"kty":"EC","kid":"k0","use":"sig","key_ops":"verify","x5c":"no list"}""")]
    public async Task A_key_that_cannot_be_used_spoils_no_other(string json)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.OtherKeys.Enqueue(JsonSerializer.Deserialize<object>(json));
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        Assert.Equal(200, await api.StatusAsync(issuer.Mint())); // RFC 7517 §5: such a key is ignored
    }

    [Fact]
    public async Task A_key_set_without_a_usable_key_does_not_replace_a_good_one()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
        issuer.PublishedKeys = [];
        issuer.OtherKeys.Enqueue(5);

        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(503, await api.StatusAsync(issuer.Mint(token => token.SigningCredentials = FakeIssuer.NewKey("k2")))); // the API reads the keys
        Assert.Equal(2, issuer.KeyRequests);

        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }
}
