using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using AuthCluster.Client;
using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;
using AuthCluster.Client.Tokens;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.ClientTests.Clients;

/// <summary>More tokens and targets than are held: the memory has a bound, and one more costs as much as the first.</summary>
public class FullCacheTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task More_targets_than_the_cache_holds_cost_bounded_memory_and_time_and_a_token_in_use_stays()
    {
        var clock = new CountingClock();
        await using var host = new SdkHost(clock, services => services
            .AddAuthClusterTokens(options => (options.TokenEndpoint, options.ClientId, options.ClientSecret) = ("https://auth.example/oauth/token", "orders", "secret"))
            .AddHttpMessageHandler(() => new StubHandler(_ => Task.FromResult(NewToken()))));
        var source = Assert.IsType<AccessTokenSource>(host.Tokens);
        var inUse = await source.GetTokenAsync(new("read", "https://in-use"), Cancel);

        var before = clock.Readings;
        for (var i = 0; i < 25_000; i++)
        {
            await source.GetTokenAsync(new("read", $"https://tenant-{i}"), Cancel);
            if (i % 100 == 0)
                Assert.Same(inUse, await source.GetTokenAsync(new("read", "https://in-use"), Cancel));
        }

        Assert.InRange(source.Count, 10_000, 20_000);
        Assert.InRange((clock.Readings - before) / 25_000, 1, 50);
    }

    [Fact]
    public async Task A_token_that_is_new_to_a_full_cache_of_answers_causes_no_scan_of_the_others()
    {
        var clock = new CountingClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForIntrospection(clock, issuer, new IntrospectionOptions { MaxCached = 1_000 });
        var introspection = host.Introspection;
        issuer.Listener.Break("empty object"); // after five failures nobody asks, and each token is unknown at once

        for (var i = 0; i < 2_000; i++)
            Assert.Equal(TokenStanding.Unknown, await introspection.CheckAsync($"token-{i}", Cancel));
        var before = clock.Readings;
        for (var i = 2_000; i < 3_000; i++)
            Assert.Equal(TokenStanding.Unknown, await introspection.CheckAsync($"token-{i}", Cancel));

        Assert.InRange((clock.Readings - before) / 1_000, 1, 20);
    }

    [Fact]
    public void The_keys_used_last_are_held_up_to_the_capacity_and_never_more_than_twice_as_many()
    {
        var random = new Random(20_260_301);
        for (var capacity = 0; capacity < 12; capacity++)
        {
            var cache = new BoundedCache<int, object>(capacity);
            var uses = new List<(int Key, object Value)>();
            for (var use = 0; use < 2_000; use++)
            {
                var key = random.Next(20);
                var (isGood, looks, made) = (random.Next(4) > 0, 0, 0);

                var value = cache.GetOrAdd(key, _ => ++looks > 0 && isGood, _ => new StrongBox<int>(++made));

                // A key must still be held when fewer other keys than the capacity were used since its last use.
                var last = uses.FindLastIndex(earlier => earlier.Key == key);
                var mustBeHeld = last >= 0 && uses.Skip(last + 1).Select(earlier => earlier.Key).Distinct().Count() < capacity;
                Assert.InRange(cache.Count, Math.Min(capacity, 1), 2 * capacity);
                Assert.InRange(looks, mustBeHeld ? 1 : 0, 1);
                Assert.Equal(looks == 1 && isGood ? 0 : 1, made);
                if (made == 0)
                    Assert.Same(uses[last].Value, value);
                uses.Add((key, value));
            }
        }
    }

    [Fact]
    public async Task Concurrent_requests_for_one_key_get_the_same_value()
    {
        var cache = new BoundedCache<int, object>(100);
        var made = 0;

        var values = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => Enumerable.Range(0, 50).Select(key => cache.GetOrAdd(key, _ => true, _ => new StrongBox<int>(Interlocked.Increment(ref made)))).ToArray(), Cancel)));

        Assert.Equal(50, made);
        Assert.All(values, others => Assert.Equal(values[0], others));
    }

    private static HttpResponseMessage NewToken() => new(HttpStatusCode.OK)
    {
        Content = new StringContent($$"""{"access_token":"{{Guid.NewGuid():N}}","token_type":"Bearer","expires_in":3600}""", Encoding.UTF8, "application/json"),
    };

    /// <summary>Counts how often it is read.</summary>
    private sealed class CountingClock : TestClock
    {
        private long _readings;

        public long Readings => Volatile.Read(ref _readings);

        public override long GetTimestamp()
        {
            Interlocked.Increment(ref _readings);
            return base.GetTimestamp();
        }
    }
}
