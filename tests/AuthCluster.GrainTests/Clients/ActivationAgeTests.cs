using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Usage;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>How long a client stays in memory.</summary>
public sealed class ActivationAgeTests : IAsyncLifetime
{
    // After this idle time, by the system's clock, an activation may end unless its client got a token.
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(20);

    private readonly GrainCluster _cluster = new()
    {
        Also = (silo, clock) =>
        {
            silo.Services.AddKeyedSingleton(TimeProviderNames.ActivationManagement, clock);
            silo.Configure<GrainCollectionOptions>(options =>
            {
                options.CollectionQuantum = TimeSpan.FromSeconds(0.5);
                options.CollectionAge = Idle;
            });
        },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task In_an_outage_a_client_that_got_a_token_within_two_lifetimes_stays_in_memory_longer_than_one_that_got_none()
    {
        var document = Document("read");
        document["tokenLifetimeSeconds"] = 600;
        var users = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _cluster.CreateAsync(document)));
        await Task.WhenAll(users.Select(async id => Assert.Equal(DecisionKind.Allowed, (await _cluster.AskAsync(id)).Kind)));
        // The refused clients are idle for a shorter time than the others.
        var refused = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _cluster.CreateAsync(document)));
        await Task.WhenAll(refused.Select(id => _cluster.AskAsync(id, Ask(Present("a wrong one")))));

        await PassAsync(TimeSpan.FromMinutes(20), () => InMemory <= users.Length);
        Assert.Equal(users.Length, InMemory);
        Assert.All(users, id => _cluster.Failures.Of(id, Failure.Down));
        Assert.All(await Task.WhenAll(users.Select(id => _cluster.AskAsync(id))), answer => Assert.Equal(DecisionKind.Allowed, answer.Kind));

        await PassAsync(TimeSpan.FromMinutes(26), () => InMemory == 0);
        Assert.Equal(0, InMemory);
    }

    [Fact]
    public void A_silo_drops_clients_from_memory_before_its_memory_runs_out()
    {
        var options = _cluster.Silos.Silos[0].ServiceProvider.GetRequiredService<IOptions<GrainCollectionOptions>>().Value;

        Assert.True(options.EnableActivationSheddingOnMemoryPressure);
        Assert.InRange(options.MemoryUsageTargetPercentage, 50, options.MemoryUsageLimitPercentage - 1);
        Assert.InRange(options.MemoryUsageLimitPercentage, 60, 85);
    }

    private int InMemory => _cluster.Each<SiloActivity>().Sum(silo => silo.Activations);

    /// <summary>Lets the time pass in steps, and then waits until the condition holds.</summary>
    private async Task PassAsync(TimeSpan time, Func<bool> until)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Step)
        {
            _cluster.Clock.Advance(Step);
            await Task.Delay(10, Cancellation);
        }

        await Eventually.HoldsAsync(
            "as many are in memory as shall be",
            TimeSpan.FromSeconds(30),
            () =>
            {
                _cluster.Clock.Advance(Idle);
                return until();
            },
            Cancellation);
    }
}
