using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Grains.Time;
using AuthCluster.Grains.Usage;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;
using AuthCluster.TestKit;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Storage;
using Orleans.TestingHost;

namespace AuthCluster.GrainTests.Cluster;

/// <summary>Two silos over one SQLite file, with a clock that stands until a test moves it.</summary>
public sealed class GrainCluster : IAsyncLifetime
{
    public const string Issuer = "https://issuer.example";
    public const string DefaultAudience = "https://api.example";
    public const int LifetimeSeconds = 3_600;

    private readonly TemporaryFolder _folder = new();
    private InProcessTestCluster? _cluster;
    private Database? _database;

    /// <summary>The clock of grains and storage; in the middle of an hour of a month.</summary>
    public ClusterClock Clock { get; } = new(new DateTimeOffset(2026, 5, 15, 10, 30, 0, TimeSpan.Zero));

    public StorageFailures Failures { get; } = new();

    /// <summary>The additional configuration of a test that has a cluster of its own.</summary>
    internal Action<ISiloBuilder, TimeProvider>? Also { get; init; }

    public Database Database => _database!;

    public InProcessTestCluster Silos => _cluster!;

    public IGrainFactory Grains => Silos.Client;

    public async ValueTask InitializeAsync()
    {
        _database = new Database(StorageProvider.Sqlite, $"Data Source={_folder.PathOf("test.db")}");
        await new Migrator(_database, Clock, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        var keys = await KeyMaterialSetup.EnsureAsync(
            new KeyMaterialStore(_database), RandomNumberGenerator.GetBytes(32), "ES256", TimeSpan.FromDays(1), Clock, CancellationToken.None);
        var builder = new InProcessTestClusterBuilder(2);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<TimeProvider>(Clock);
            silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            silo.Services.AddAuthClusterGrains(_database, keys, new ClientDefaults(Issuer, DefaultAudience, LifetimeSeconds), new FenceSettings("test", TimeSpan.FromMinutes(10), IsShared: false));
            silo.AddAuthClusterStorage(_database);
            silo.Services.AddKeyedSingleton<IGrainStorage>(
                ClientRecordStore.ProviderName,
                (services, name) => new FailingStorage(AdoNetGrainStorageFactory.Create(services, (string)name!), Failures));
            Also?.Invoke(silo, Clock);
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        _folder.Dispose();
    }

    /// <summary>A client's grain.</summary>
    public IClientGrain Client(string clientId) => Grains.GetGrain<IClientGrain>(ClientGrainKey.Of(clientId));

    /// <summary>Ends an activation cleanly: the next call creates a new one, which reads the stored row.</summary>
    public Task ForgetAsync(string clientId) => Silos.DeactivateAsync(Client(clientId));

    /// <summary>A service of each silo.</summary>
    public IEnumerable<T> Each<T>()
        where T : notnull => Silos.Silos.Select(silo => silo.ServiceProvider.GetRequiredService<T>());

    /// <summary>Lets the time pass in which the clock has to be right before the silos throw anything away by it.</summary>
    public async Task TrustClockAsync()
    {
        var isTrusted = true;
        foreach (var trusted in Each<TrustedClock>())
        {
            isTrusted &= await trusted.NowAsync(TestContext.Current.CancellationToken) is not null;
        }

        if (!isTrusted)
        {
            Clock.Advance(TrustedClock.SteadyFor);
        }
    }

    /// <summary>Lets the time pass in which the silos find that storage is back.</summary>
    public async Task RecoverAsync()
    {
        for (var tries = 0; tries < 200; tries++)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(300));
            await Task.Delay(10, TestContext.Current.CancellationToken);
            if (tries > 3 && Each<StorageGate>().All(gate => !gate.IsFailing))
            {
                return;
            }
        }

        throw new TimeoutException("The silos go on taking storage for down.");
    }

    /// <summary>Writes the usage counters of all silos.</summary>
    public async Task FlushAsync()
    {
        foreach (var flusher in Each<UsageFlusher>())
        {
            await flusher.FlushAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Runs SQL of the test's own.</summary>
    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        using var turn = await Database.EnterWriteAsync(TestContext.Current.CancellationToken);
        await using var connection = await Database.OpenAsync(TestContext.Current.CancellationToken);
        await connection.ExecuteAsync(sql, parameters);
    }

    /// <summary>Reads with SQL of the test's own.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(TestContext.Current.CancellationToken);
        return [.. await connection.QueryAsync<T>(sql, parameters)];
    }

    /// <summary>The stored state of a client, as its row has it.</summary>
    public async Task<string> RowAsync(string clientId) => Assert.Single(await QueryAsync<string>(
        "select cast(payload as text) from grain_state where grain_key = @Key", new { Key = ClientGrainKey.Of(clientId) }));

    /// <summary>Replaces the stored state of a client, as an earlier or a later build may have written it.</summary>
    public Task SetRowAsync(string clientId, string row) => ExecuteAsync(
        "update grain_state set payload = cast(@Row as blob) where grain_key = @Key", new { Row = row, Key = ClientGrainKey.Of(clientId) });
}

/// <summary>The test classes that share one cluster. Each test has clients of its own.</summary>
[CollectionDefinition(Name)]
public sealed class OnSharedCluster : ICollectionFixture<GrainCluster>
{
    public const string Name = "on the shared cluster";
}
