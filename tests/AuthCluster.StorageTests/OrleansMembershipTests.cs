using System.Net;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Messaging;

namespace AuthCluster.StorageTests;

/// <summary>Orleans' own clustering provider over our query texts and tables.</summary>
public sealed class OrleansMembershipTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task Two_silos_and_a_client_find_each_other(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var first = await Silo.StartAsync(under.Database);
        await using var second = await Silo.StartAsync(under.Database);

        await Eventually.HoldsAsync(
            "both silos see two",
            TimeSpan.FromSeconds(30),
            async () => (await Task.WhenAll(first.ActiveAsync(), second.ActiveAsync())).All(active => active == 2),
            Cancel);
        var client = Host.CreateDefaultBuilder()
            .ConfigureLogging(logging => logging.ClearProviders())
            .UseOrleansClient(builder => builder
                .UseAdoNetClustering(options => (options.Invariant, options.DataSource) = (under.Database.OrleansInvariant, under.Database.DataSource))
                .Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = ("authcluster", "authcluster")))
            .Build();
        await client.StartAsync(Cancel);
        Assert.Equal(2, (await client.Services.GetRequiredService<IGatewayListProvider>().GetGateways()).Count);
        await client.StopAsync(Cancel);
        client.Dispose();
        await second.StopAsync();

        await Eventually.HoldsAsync("one is left", TimeSpan.FromSeconds(30), async () => await first.ActiveAsync() == 1, Cancel);
        await first.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task Of_changes_at_once_from_one_version_of_the_membership_table_one_is_made(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        var table = silo.Table;

        // A running silo would raise the table's version during this test, because it writes to the rows of silos that don't answer.
        await silo.StopAsync();
        var read = await table.ReadAllAsync(Cancel);
        var next = read.Version.Next();

        var changes = await Task.WhenAll(Enumerable.Range(1, 5).Select(n => Task.Run(() => table.InsertRowAsync(Entry(n), next, Cancel))));

        Assert.Single(changes, changed => changed);
        var after = await table.ReadAllAsync(Cancel);
        Assert.Equal(read.Version.Version + 1, after.Version.Version);
        Assert.Equal(read.Members.Count + 1, after.Members.Count);
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_silos_row_is_read_changed_suspected_and_cleaned_up(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var silo = await Silo.StartAsync(under.Database);
        var table = silo.Table;

        // A running silo would raise the table's version, as above.
        await silo.StopAsync();
        var entry = Entry(7);
        var early = (await table.ReadAllAsync(Cancel)).Version;
        Assert.True(await table.InsertRowAsync(entry, early.Next(), Cancel));
        Assert.False(await table.InsertRowAsync(entry, (await table.ReadAllAsync(Cancel)).Version.Next(), Cancel));

        entry.Status = SiloStatus.Dead;
        entry.AddSuspector(Entry(8).SiloAddress, entry.StartTime);
        Assert.True(await UpdateAsync(entry, (await table.ReadAllAsync(Cancel)).Version));
        Assert.False(await UpdateAsync(entry, early));
        Assert.False(await UpdateAsync(Entry(9), (await table.ReadAllAsync(Cancel)).Version));
        var alive = entry.StartTime.AddMinutes(1);
        entry.IAmAliveTime = alive;
        await table.UpdateIAmAliveAsync(entry, Cancel);

        var (read, _) = Assert.Single((await table.ReadRowAsync(entry.SiloAddress, Cancel)).Members);
        Assert.Equal((SiloStatus.Dead, "silo-7", "host", 30007), (read.Status, read.SiloName, read.HostName, read.ProxyPort));
        Assert.Equal(entry.StartTime, read.StartTime);
        Assert.Equal(alive, read.IAmAliveTime);
        Assert.Equal(Entry(8).SiloAddress, Assert.Single(read.SuspectTimes!).Item1);
        Assert.Empty((await table.ReadRowAsync(Entry(9).SiloAddress, Cancel)).Members);

        await table.CleanupDefunctSiloEntriesAsync(new DateTimeOffset(alive.AddDays(1), TimeSpan.Zero), Cancel);
        Assert.Equal(2, (await table.ReadAllAsync(Cancel)).Members.Count);
        Assert.True(await new FenceStore(under.Database, "authcluster").MarkEndedAsync($"{IPAddress.Loopback}", 40_007, 7, Cancel));
        await table.CleanupDefunctSiloEntriesAsync(new DateTimeOffset(alive.AddDays(1), TimeSpan.Zero), Cancel);
        Assert.DoesNotContain((await table.ReadAllAsync(Cancel)).Members, member => member.Item1.SiloAddress.Equals(entry.SiloAddress));
        Assert.Single((await table.ReadAllAsync(Cancel)).Members);

        await table.DeleteMembershipTableEntriesAsync("authcluster", Cancel);
        Assert.Equal(0, Assert.Single(await under.QueryAsync<int>("select count(*) from orleans_membership")));
        Assert.Equal(0, Assert.Single(await under.QueryAsync<int>("select count(*) from orleans_membership_version")));

        Task<bool> UpdateAsync(MembershipEntry changed, TableVersion read) => table.UpdateRowAsync(changed, read.VersionEtag, read.Next(), Cancel);
    }

    private static MembershipEntry Entry(int number) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, 40_000 + number, number),
        SiloName = $"silo-{number}",
        HostName = "host",
        Status = SiloStatus.Joining,
        ProxyPort = 30_000 + number,
        StartTime = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc),
        IAmAliveTime = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc),
    };

    /// <summary>A silo that is stopped, not only disposed, however its test ends: Orleans ends the process when it loses its services.</summary>
    private sealed class Silo(IHost host) : IAsyncDisposable
    {
        private bool _stopped;

        public IMembershipTable Table => host.Services.GetRequiredService<IMembershipTable>();

        public static async Task<Silo> StartAsync(Database database)
        {
            var host = Host.CreateDefaultBuilder()
                .ConfigureLogging(logging => logging.ClearProviders())
                .UseOrleans(silo => silo
                    .ConfigureEndpoints(IPAddress.Loopback, FreePorts.Take(), FreePorts.Take())
                    .UseAdoNetClustering(options => (options.Invariant, options.DataSource) = (database.OrleansInvariant, database.DataSource))
                    .Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = ("authcluster", "authcluster")))
                .Build();
            await host.StartAsync(Cancel);
            return new Silo(host);
        }

        public async Task<int> ActiveAsync()
        {
            var hosts = await host.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);
            return hosts.Count;
        }

        public async Task StopAsync()
        {
            if (!_stopped)
            {
                _stopped = true;
                await host.StopAsync(CancellationToken.None);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            host.Dispose();
        }
    }
}
