using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;
using AuthCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.TestingHost;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>Many writes at once, as the beginning of a quota's period or the end of a silo makes them.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class WriteBurstTests(GrainCluster cluster, ITestOutputHelper output)
{
    /// <summary>The number of clients that write at the same moment. The environment can set more; a real burst is 20,000.</summary>
    private static readonly int Clients = int.TryParse(Environment.GetEnvironmentVariable("AUTHCLUSTER_TEST_BURST"), out var given) ? given : 3_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_burst_of_writes_over_few_connections_loses_none_and_keeps_neither_readers_nor_administrators_waiting()
    {
        PostgresServer.Need();
        await using var server = await PostgresServer.StartAsync(fsync: false, Cancellation);
        // A small pool, as in front of a busy database: more connections would only hide that the burst takes all of them.
        var connectionString = server.ConnectionStringOf(await server.CreateDatabaseAsync(Cancellation)) + ";Maximum Pool Size=20";
        await using var database = new Database(StorageProvider.PostgreSql, connectionString);
        await using var membership = Database.ForMembership(StorageProvider.PostgreSql, connectionString);
        await using var silo = await StartAsync(database, membership);
        var services = silo.Silos[0].ServiceProvider;
        var records = services.GetRequiredService<ClientRecordStore>();
        var gate = services.GetRequiredService<StorageGate>();
        var (read, changed) = (Grain("c:reader"), Grain("c:changed"));
        Assert.Equal(RecordOutcome.Done, (await records.WriteAsync(read, State, null, null, Cancellation)).Outcome);

        var (start, left) = (TimeProvider.System.GetTimestamp(), Clients);
        var burst = Enumerable.Range(0, Clients).Select(i => WriteAsync(Grain($"c:{i}"))).ToList();
        var change = await records.WriteAsync(changed, State, null, null, Cancellation);
        var leftAtChange = Volatile.Read(ref left);
        var reads = 0;
        while (Volatile.Read(ref left) > 0)
        {
            Assert.Equal(RecordOutcome.Done, (await records.ReadAsync(read, Cancellation)).Outcome);
            reads++;
        }

        var outcomes = await Task.WhenAll(burst);
        output.WriteLine($"{Clients} writes in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:f1} s; {leftAtChange} of them were left when an administrator's was done; {reads} reads meanwhile");
        Assert.All(outcomes, outcome => Assert.Equal(RecordOutcome.Done, outcome));
        Assert.Equal(RecordOutcome.Done, change.Outcome);
        Assert.InRange(leftAtChange, Clients / 2, Clients);
        Assert.True(reads > 10, $"{reads} reads");
        Assert.False(gate.IsFailing);

        async Task<RecordOutcome> WriteAsync(GrainId grain)
        {
            using var slot = await records.EnterBackgroundAsync(Cancellation);
            var outcome = slot is null ? RecordOutcome.Unavailable : (await records.WriteAsync(grain, State, null, slot, Cancellation)).Outcome;
            Interlocked.Decrement(ref left);
            return outcome;
        }
    }

    [Fact]
    public async Task A_client_whose_quota_block_waits_behind_a_burst_can_be_disabled_meanwhile()
    {
        var document = Document("read");
        document["quota"] = new JsonObject { ["tokens"] = 100, ["per"] = "hour" };
        var id = await cluster.CreateAsync(document);
        var held = await FillAsync(StorageLane.Background);

        var waiting = cluster.AskAsync(id);
        var disabled = await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation);
        var refused = await cluster.AskAsync(id);
        var waited = waiting.IsCompleted;
        held.ForEach(slot => slot.Dispose());

        Assert.Equal(ClientOutcome.Done, disabled.Outcome);
        Assert.Equal(Refusal.ClientDisabled, refused.Refusal);
        // The call that waited is decided by the client's state at the moment when its block is stored.
        Assert.False(waited);
        Assert.Equal(Refusal.ClientDisabled, (await waiting).Refusal);
    }

    [Fact]
    public async Task Permits_are_given_back_at_the_end_of_an_activation_while_administrators_writes_wait()
    {
        var document = Document("read");
        document["quota"] = new JsonObject { ["tokens"] = 100, ["per"] = "hour" };
        var id = await cluster.CreateAsync(document);
        Assert.Equal(1, await cluster.AllowedOfAsync(id, 1));
        Assert.NotEqual(1, await ReservedAsync(id));
        var held = await FillAsync(StorageLane.Changes);

        await cluster.ForgetAsync(id);
        await Eventually.HoldsAsync(
            "the row has only what was spent", TimeSpan.FromSeconds(10), async () => await ReservedAsync(id) == 1, Cancellation);

        held.ForEach(slot => slot.Dispose());
    }

    private async Task<long> ReservedAsync(string id) => JsonNode.Parse(await cluster.RowAsync(id))!["quota"]!["reserved"]!.GetValue<long>();

    /// <summary>Takes every slot of a lane in each silo.</summary>
    private async Task<List<StorageSlot>> FillAsync(StorageLane lane)
    {
        var held = new List<StorageSlot>();
        foreach (var gate in cluster.Each<StorageGate>())
        {
            for (var slots = LaneBounds.Of(cluster.Database)[lane].MaxConcurrent; slots > 0; slots--)
            {
                held.Add(await gate.EnterAsync(lane, Cancellation));
            }
        }

        return held;
    }

    private static ClientState State { get; } = new() { Enabled = true, Document = JsonElement.Parse("""{ "scopes": ["read"] }"""), Secrets = ImmutableArray<SecretState>.Empty };

    private static GrainId Grain(string key) => GrainId.Create("client", key);

    /// <summary>One silo whose clock stands, so that no deadline passes however slow the machine is.</summary>
    private static async Task<InProcessTestCluster> StartAsync(Database database, Database membership)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 5, 15, 10, 30, 0, TimeSpan.Zero));
        await new Migrator(database, clock, NullLogger<Migrator>.Instance).MigrateAsync(Cancellation);
        var keys = await KeyMaterialSetup.EnsureAsync(
            new KeyMaterialStore(database), new byte[32], "ES256", TimeSpan.FromDays(1), clock, Cancellation);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<TimeProvider>(clock);
            silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            silo.Services.AddAuthClusterGrains(
                database, keys, new ClientDefaults(GrainCluster.Issuer, GrainCluster.DefaultAudience, GrainCluster.LifetimeSeconds), new FenceSettings("test", TimeSpan.FromMinutes(10), IsShared: false), membership);
            silo.AddAuthClusterStorage(database);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }
}
