using AuthCluster.Storage;
using AuthCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Storage;

namespace AuthCluster.StorageTests;

/// <summary>Orleans' own providers over our query texts and tables.</summary>
public sealed class OrleansStorageTests
{
    private const string StateName = "client";

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_state_is_written_read_again_and_refused_when_stale(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        var grain = GrainId.Create("client", "c:orders");

        var first = new GrainState<Remembered>(new Remembered("one"));
        await silo.Storage.WriteStateAsync(StateName, grain, first);
        var second = await silo.ReadAsync(grain);
        second.State = new Remembered("two");
        await silo.Storage.WriteStateAsync(StateName, grain, second);
        first.State = new Remembered("late");

        await Assert.ThrowsAsync<InconsistentStateException>(() => silo.Storage.WriteStateAsync(StateName, grain, first));
        var now = await silo.ReadAsync(grain);
        Assert.Equal("two", now.State!.Text);
        Assert.Equal("2", now.ETag);
        Assert.True(now.RecordExists);
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_state_is_written_and_read_in_a_database_that_tells_upper_from_lower_case(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, sqlServerCollation: "Latin1_General_100_CS_AS");
        await using var silo = await Silo.StartAsync(under.Database);
        var grain = GrainId.Create("client", "c:orders");

        await silo.Storage.WriteStateAsync(StateName, grain, new GrainState<Remembered>(new Remembered("one")));

        Assert.Equal("one", (await silo.ReadAsync(grain)).State!.Text);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Of_two_first_writes_one_is_refused(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        var grain = GrainId.Create("client", "c:orders");
        await silo.Storage.WriteStateAsync(StateName, grain, new GrainState<Remembered>(new Remembered("one")));

        await Assert.ThrowsAsync<InconsistentStateException>(
            () => silo.Storage.WriteStateAsync(StateName, grain, new GrainState<Remembered>(new Remembered("two"))));

        Assert.Equal("one", (await silo.ReadAsync(grain)).State!.Text);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Of_writes_at_once_from_one_version_exactly_one_is_done(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);

        for (var round = 0; round < 20; round++)
        {
            var grain = GrainId.Create("client", $"c:{round / 2}");
            var states = new List<GrainState<Remembered>>();
            for (var writer = 0; writer < 4; writer++)
            {
                states.Add(await silo.ReadAsync(grain));
            }

            var outcomes = await Task.WhenAll(states.Select((state, writer) => Task.Run(async () =>
            {
                state.State = new Remembered($"{writer}");
                using var turn = await under.Database.EnterWriteAsync(TestContext.Current.CancellationToken);
                try
                {
                    await silo.Storage.WriteStateAsync(StateName, grain, state);
                    return true;
                }
                catch (InconsistentStateException)
                {
                    return false;
                }
            })));
            Assert.Single(outcomes, done => done);
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_cleared_state_is_gone_and_can_be_written_anew(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        var grain = GrainId.Create("client", "c:orders");
        var state = new GrainState<Remembered>(new Remembered("one"));
        await silo.Storage.WriteStateAsync(StateName, grain, state);

        await silo.Storage.ClearStateAsync(StateName, grain, state);

        var cleared = await silo.ReadAsync(grain);
        Assert.False(cleared.RecordExists);
        cleared.State = new Remembered("anew");
        await silo.Storage.WriteStateAsync(StateName, grain, cleared);
        Assert.Equal("anew", (await silo.ReadAsync(grain)).State!.Text);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_deleted_state_leaves_no_row_and_a_stale_delete_is_refused(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database, deleteOnClear: true);
        var grain = GrainId.Create("client", "c:orders");
        var state = new GrainState<Remembered>(new Remembered("one"));
        await silo.Storage.WriteStateAsync(StateName, grain, state);
        var stale = await silo.ReadAsync(grain);
        await silo.Storage.WriteStateAsync(StateName, grain, state);

        await Assert.ThrowsAsync<InconsistentStateException>(() => silo.Storage.ClearStateAsync(StateName, grain, stale));
        await silo.Storage.ClearStateAsync(StateName, grain, state);

        Assert.Equal(0, Assert.Single(await under.QueryAsync<int>("select count(*) from grain_state")));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Prefixed_keys_that_differ_in_case_or_look_like_numbers_are_rows_of_their_own(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        string[] keys = ["c:abc", "c:ABC", "c:0abc", "c:1", "c:01", "c:é", "c:e\u0301", $"c:{Guid.Empty}", "c:http://adfs/x", "c:a+b", "c:7+b", "c:<id>", "c:sp-x!b1|y!b2", "c:" + new string('x', 200)];

        foreach (var key in keys)
        {
            await silo.Storage.WriteStateAsync(StateName, GrainId.Create("client", key), new GrainState<Remembered>(new Remembered(key)));
        }

        foreach (var key in keys)
        {
            Assert.Equal(key, (await silo.ReadAsync(GrainId.Create("client", key))).State!.Text);
        }

        Assert.Equal(keys.Length, Assert.Single(await under.QueryAsync<int>("select count(*) from grain_state")));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_key_that_is_a_number_or_a_guid_is_stored_as_well(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        GrainId[] grains = [GrainId.Create(GrainType.Create("other"), GrainIdKeyExtensions.CreateIntegerKey(7)), GrainId.Create(GrainType.Create("other"), GrainIdKeyExtensions.CreateGuidKey(Guid.NewGuid()))];

        foreach (var grain in grains)
        {
            await silo.Storage.WriteStateAsync("other", grain, new GrainState<Remembered>(new Remembered(grain.ToString())));
        }

        foreach (var grain in grains)
        {
            var state = new GrainState<Remembered>();
            await silo.Storage.ReadStateAsync("other", grain, state);
            Assert.Equal(grain.ToString(), state.State!.Text);
        }
    }

    /// <summary>What the test's states hold.</summary>
    private sealed record Remembered(string Text);

    /// <summary>A silo with nothing but the storage provider.</summary>
    private sealed class Silo(IHost host) : IAsyncDisposable
    {
        public IGrainStorage Storage => host.Services.GetRequiredKeyedService<IGrainStorage>("clients");

        public static async Task<Silo> StartAsync(Database database, bool deleteOnClear = false)
        {
            var host = Host.CreateDefaultBuilder()
                .ConfigureLogging(logging => logging.ClearProviders())
                .UseOrleans(silo => silo
                    .UseLocalhostClustering(FreePorts.Take(), FreePorts.Take())
                    .AddAdoNetGrainStorage("clients", options =>
                    {
                        options.Invariant = database.OrleansInvariant;
                        options.DataSource = database.DataSource;
                        options.DeleteStateOnClear = deleteOnClear;
                    })
                    .Services.AddOptions<AdoNetGrainStorageOptions>("clients").Configure(options =>
                        options.GrainStorageSerializer = new PlainJson()))
                .Build();
            await host.StartAsync(TestContext.Current.CancellationToken);
            return new Silo(host);
        }

        public async Task<GrainState<Remembered>> ReadAsync(GrainId grain)
        {
            var state = new GrainState<Remembered>();
            await Storage.ReadStateAsync(StateName, grain, state);
            return state;
        }

        public async ValueTask DisposeAsync()
        {
            await host.StopAsync(CancellationToken.None);
            host.Dispose();
        }
    }

    private sealed class PlainJson : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => BinaryData.FromObjectAsJson(input);

        public T Deserialize<T>(BinaryData input) => input.ToObjectFromJson<T>()!;
    }
}
