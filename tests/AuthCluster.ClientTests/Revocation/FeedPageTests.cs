using AuthCluster.Client;
using AuthCluster.Client.Revocation;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AuthCluster.ClientTests.Revocation;

/// <summary>What counts as a page of the feed, and how often the SDK asks a server that answers at once.</summary>
public sealed class FeedPageTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"status":"ok"}""")]
    [InlineData("""{"error":"temporarily_unavailable"}""")]
    [InlineData("""{"items":[]}""")]
    [InlineData("""{"next":"1"}""")]
    [InlineData("""{"items":null,"next":"1"}""")]
    [InlineData("""{"items":[null],"next":"1"}""")]
    [InlineData("""{"items":{},"next":"1"}""")]
    [InlineData("""{"items":[],"next":""}""")]
    [InlineData("""{"items":[],"next":7}""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("<html>please log in</html>")]
    public async Task What_is_not_a_page_confirms_nothing_and_is_asked_for_again_after_growing_pauses(string body)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.FeedAlways = _ => body;
        await using var host = await FollowAsync(clock, issuer);
        var feed = host.Services.GetRequiredKeyedService<RevocationFeed>("");

        var pauses = new List<TimeSpan>();
        for (var i = 1; i <= 6; i++)
        {
            pauses.Add(await clock.WaitBegunAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(6), but: TimeSpan.FromSeconds(5)));
            Assert.Equal(i, issuer.FeedRequests);
            Assert.Null(feed.Age);
            issuer.FeedAlways = i == 6 ? null : issuer.FeedAlways;
            clock.Advance(pauses[^1]);
        }

        Assert.True(pauses[^1] > pauses[0] * 4, $"The pauses were {string.Join(", ", pauses)}.");
        await issuer.FeedHeld.WaitAsync();
        Assert.NotNull(feed.Age);
    }

    [Theory]
    [InlineData("""{"items":[],"next":"1"}""")]
    [InlineData("""{"items":[{"kind":"token","value":"a","gen":1,"expiresAt":"2026-03-01T13:00:00Z"}],"next":"1"}""")]
    public async Task A_page_that_brings_nothing_new_before_its_time_is_asked_for_again_after_a_second(string body)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.FeedAlways = _ => body;
        await using var host = await FollowAsync(clock, issuer);

        for (var requests = 2; requests < 12; requests++)
        {
            await clock.WaitBegunAsync(Second, Second);
            Assert.Equal(requests, issuer.FeedRequests);
            clock.Advance(Second);
        }
    }

    [Fact]
    public async Task Two_servers_that_send_a_reader_in_circles_are_asked_twenty_times_a_second_at_most()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.FeedAlways = number => $$"""{"items":[{"kind":"token","value":"a","gen":1,"expiresAt":"2026-03-01T13:00:00Z"}],"next":"{{number % 2}}"}""";
        await using var host = await FollowAsync(clock, issuer);

        var pause = TimeSpan.FromMilliseconds(50);
        for (var i = 1; i <= 20; i++)
        {
            await clock.WaitBegunAsync(pause, pause);
            Assert.Equal(100 + i, issuer.FeedRequests);
            clock.Advance(pause);
        }
    }

    private static async Task<SdkHost> FollowAsync(TestClock clock, FakeIssuer issuer)
    {
        var host = new SdkHost(clock, services =>
        {
            services.AddAuthClusterTokens(options => (options.Issuer, options.ClientId, options.ClientSecret) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret));
            services.AddAuthClusterRevocationFeed("", new RevocationFeedOptions());
        });
        foreach (var service in host.Services.GetServices<IHostedService>())
            await service.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }
}
