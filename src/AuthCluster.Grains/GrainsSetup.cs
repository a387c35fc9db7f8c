using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Cluster;
using AuthCluster.Grains.Fencing;
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
    // Callers may ask for endless unknown ids; the directory's cache must not grow with each.
    private const int DirectoryCacheEntries = 10_000;

    // Clients stay in memory for two lifetimes of their tokens. When the process uses more than the limit (in percent of the memory that it
    // may use), Orleans deactivates the clients that were idle for longest, down to the target. The rest is for requests and for the
    // garbage collector.
    private const double MemoryLimitPercent = 80;
    private const double MemoryTargetPercent = 75;

    /// <summary>Registers the services of the grains.</summary>
    /// <param name="services">The services; a <see cref="TimeProvider"/> is among them.</param>
    /// <param name="database">The database.</param>
    /// <param name="keys">The key material, as read at the start.</param>
    /// <param name="defaults">What a client gets when its document says nothing.</param>
    /// <param name="fence">How the silos of a cluster keep each other to answered writes.</param>
    /// <param name="membership">
    /// The same database over the connection pool of membership, which other work can't exhaust; null where there is no such pool.
    /// </param>
    public static IServiceCollection AddAuthClusterGrains(
        this IServiceCollection services, Database database, SiloKeys keys, ClientDefaults defaults, FenceSettings fence, Database? membership = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(fence);
        services.AddStorage(database, membership ?? database);
        services.AddFence(membership ?? database, fence);
        services.AddTime();
        services.AddKeys(keys);
        services.AddClients(defaults);
        services.AddExpiryWatch();
        services.AddSiloReports();
        services.AddUsage();
        services.AddSweeps();
        return services;
    }

    /// <summary>Configures the grain storage, the size of the directory's cache and the memory bounds.</summary>
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

    private static void AddStorage(this IServiceCollection services, Database database, Database ofProbe)
    {
        services.AddSingleton(database);
        services.AddSingleton(new StorageProbe(ofProbe));
        services.AddSingleton<StorageGate>();
        services.AddSingleton<CatalogueStore>();
        services.AddSingleton<RevocationStore>();
        services.AddSingleton<AuditStore>();
        services.AddSingleton<IdempotencyStore>();
    }

    private static void AddTime(this IServiceCollection services)
    {
        services.AddSingleton<SiloTurns>();
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
    }

    private static void AddKeys(this IServiceCollection services, SiloKeys keys)
    {
        services.AddSingleton(keys.Peppers);
        services.AddSingleton(_ =>
        {
            var floor = new GenerationFloor();
            floor.TryRaise(keys.Snapshot.Floor);
            return floor;
        });
        services.AddSingleton(_ => new HeldKeys(keys.Snapshot));
        services.AddSingleton<KeyMaterialStore>();
        services.AddSingleton<IKeyLoader, KeyFollower>();
    }

    private static void AddFence(this IServiceCollection services, Database ofMembership, FenceSettings settings)
    {
        services.AddSingleton(settings);
        var store = new FenceStore(ofMembership, settings.ClusterId);
        services.AddSingleton(store);
        services.AddSingleton<ReadMembership>(store.ReadAsync);
        services.AddSingleton(ReadingThread.By(store));
        services.AddSingleton(provider => new SiloRights(
            provider.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToString(), settings, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<FreshReadings>();
        services.AddSingleton<FenceClient>();
        services.AddSingleton<VoidOnSilo>(provider => provider.GetRequiredService<FenceClient>().VoidAsync);
        services.AddSingleton<PingSilo>(provider => provider.GetRequiredService<FenceClient>().PingAsync);
        services.AddSingleton<FenceMetrics>();
        services.AddSingleton<FencedWrites>();
        services.AddSingleton<ConfirmWrite>(provider => provider.GetRequiredService<FencedWrites>().ConfirmAsync);
        services.AddSingleton<OrleansView>();
        services.AddSingleton<FenceDuties>();
        services.AddSingleton(provider => new SiloEnd(provider.GetRequiredService<SiloRights>(), provider.GetRequiredService<FenceDuties>()));
        services.AddSingleton<VouchedEnds>();
        services.AddSingleton(provider => new OtherSilos(
            provider.GetRequiredService<FenceClient>(), provider.GetRequiredService<IClusterMembershipService>(), provider.GetRequiredService<ILocalSiloDetails>()));
        services.AddGrainService<FenceService>();
        services.AddSingleton<PendingVoids>();
        services.AddHostedService(provider => provider.GetRequiredService<PendingVoids>());
        services.AddSingleton<MandateKeeper>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<MandateKeeper>());
        services.AddHostedService(provider => provider.GetRequiredService<MandateKeeper>());
    }

    private static void AddClients(this IServiceCollection services, ClientDefaults defaults)
    {
        services.AddSingleton(defaults);
        services.AddSingleton<ClientRecordStore>();
        services.AddSingleton<ClientGrainServices>();
        services.AddSingleton<ClientWarmUp>();
    }

    private static void AddExpiryWatch(this IServiceCollection services)
    {
        services.AddSingleton<ExpiryStore>();
        services.AddSingleton<SecretMetrics>();
        services.AddSingleton<ExpiryWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<ExpiryWatch>());
    }

    private static void AddSiloReports(this IServiceCollection services)
    {
        services.AddSingleton<SiloActivity>();
        services.AddHostedService<SiloMetrics>();
        services.AddSingleton<SiloReportClient>();
        services.AddSingleton<ReportOfSilo>(provider => provider.GetRequiredService<SiloReportClient>().ReportAsync);
        services.AddGrainService<SiloReportService>();
    }

    private static void AddUsage(this IServiceCollection services)
    {
        services.AddSingleton<UsageStore>();
        services.AddSingleton<UsageBook>();
        services.AddSingleton<UsageFlusher>();
        services.AddHostedService(provider => provider.GetRequiredService<UsageFlusher>());
    }

    private static void AddSweeps(this IServiceCollection services)
    {
        services.AddSingleton<UsageArchiveStore>();
        services.TryAddSingleton(new UsageRetention());
        services.AddSingleton<TableSweeper>();
        services.AddHostedService(provider => provider.GetRequiredService<TableSweeper>());
    }
}
