using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Cluster;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Grains.Sweeps;
using AuthCluster.Grains.Time;
using AuthCluster.Grains.Usage;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Keys;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace AuthCluster.Grains;

/// <summary>Registers what the grains of one silo need.</summary>
public static class GrainsSetup
{
    // An unknown id is looked up and forgotten; the directory's cache must not remember each of them.
    private const int DirectoryCacheEntries = 10_000;

    // Clients stay in memory for two lifetimes of their tokens. Of what the process may use, from the first on those that were idle
    // for longest are given up, down to the second; the rest is for requests and for the collector's own work.
    private const double MemoryLimitPercent = 80;
    private const double MemoryTargetPercent = 75;

    /// <summary>Registers the grains' services.</summary>
    /// <param name="services">The services; a <see cref="TimeProvider"/> is among them.</param>
    /// <param name="database">The database.</param>
    /// <param name="keys">The key material that was read at the start.</param>
    /// <param name="defaults">What a client gets where its document is silent.</param>
    /// <param name="membership">
    /// The same database over the connections of membership, which what happens to the others can't take; null where there are none.
    /// </param>
    public static IServiceCollection AddAuthClusterGrains(
        this IServiceCollection services, Database database, SiloKeys keys, ClientDefaults defaults, Database? membership = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(keys);
        services.AddSingleton(database);
        services.AddSingleton(defaults);
        services.AddSingleton(keys.Peppers);
        services.AddSingleton(_ =>
        {
            var floor = new GenerationFloor();
            floor.TryRaise(keys.Snapshot.Floor);
            return floor;
        });
        services.AddSingleton(_ => new HeldKeys(keys.Snapshot));
        services.AddSingleton<KeyMaterialStore>();
        services.AddSingleton<CatalogueStore>();
        services.AddSingleton<RevocationStore>();
        services.AddSingleton<UsageStore>();
        services.AddSingleton<AuditStore>();
        services.AddSingleton<IdempotencyStore>();
        services.AddSingleton(new StorageProbe(membership ?? database));
        services.AddSingleton<StorageGate>();
        services.AddSingleton<ClientRecordStore>();
        services.AddSingleton<UsageBook>();
        services.AddSingleton<DatabaseClock>();
        services.AddSingleton(provider => new TrustedClock(
            async cancellationToken =>
            {
                DateTimeOffset? time = null;
                await provider.GetRequiredService<StorageGate>().ReadAsync(
                    async token => time = await provider.GetRequiredService<DatabaseClock>().ReadAsync(token), cancellationToken);
                return time;
            },
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<TrustedClock>>()));
        services.AddSingleton<ClientGrainServices>();
        services.AddSingleton<ClientWarmUp>();
        services.AddSingleton<KeyFollowerClient>();
        services.AddSingleton<FloorBroadcast>();
        services.AddGrainService<KeyFollowerService>();
        services.AddSingleton<KeyFollower>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<KeyFollower>());
        services.AddHostedService(provider => provider.GetRequiredService<KeyFollower>());
        services.AddSingleton<ExpiryStore>();
        services.AddSingleton<SecretMetrics>();
        services.AddSingleton<ExpiryWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<ExpiryWatch>());
        services.AddSingleton<SiloActivity>();
        services.AddHostedService<SiloMetrics>();
        services.AddSingleton<SiloReportClient>();
        services.AddGrainService<SiloReportService>();
        services.AddSingleton<UsageFlusher>();
        services.AddHostedService(provider => provider.GetRequiredService<UsageFlusher>());
        services.AddSingleton<SiloTurns>();
        services.AddSingleton<UsageArchiveStore>();
        services.TryAddSingleton(new UsageRetention());
        services.AddSingleton<TableSweeper>();
        services.AddHostedService(provider => provider.GetRequiredService<TableSweeper>());
        return services;
    }

    /// <summary>Configures the grains' storage and the directory's bound.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="database">The database.</param>
    public static ISiloBuilder AddAuthClusterStorage(this ISiloBuilder silo, Database database)
    {
        ArgumentNullException.ThrowIfNull(database);
        silo.AddAdoNetGrainStorage(ClientRecordStore.ProviderName, options =>
        {
            options.Invariant = database.OrleansInvariant;
            options.DataSource = database.DataSource;
            options.GrainStorageSerializer = new ClientStateSerializer(database.Provider);
        });
        silo.Configure<GrainDirectoryOptions>(options => options.CacheSize = DirectoryCacheEntries);
        silo.Configure<GrainCollectionOptions>(options =>
        {
            options.EnableActivationSheddingOnMemoryPressure = true;
            options.MemoryUsageLimitPercentage = MemoryLimitPercent;
            options.MemoryUsageTargetPercentage = MemoryTargetPercent;
        });
        return silo;
    }
}
