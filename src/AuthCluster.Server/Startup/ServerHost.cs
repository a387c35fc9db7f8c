using System.Security.Cryptography;
using AuthCluster.Grains;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Keys;
using AuthCluster.Server.Settings;
using AuthCluster.Server.Telemetry;
using AuthCluster.Storage;
using AuthCluster.Web;
using AuthCluster.Web.Admin;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Http;
using AuthCluster.Web.Keys;
using Microsoft.AspNetCore.HttpOverrides;

namespace AuthCluster.Server.Startup;

/// <summary>Puts one process together: configuration, database, keys, silo, HTTP; then runs it.</summary>
internal static class ServerHost
{
    private const int Failed = 1;

    private static readonly TimeSpan StopReserve = TimeSpan.FromSeconds(25);

    /// <param name="args">The command line.</param>
    /// <param name="clock">The clock of all that runs in the process.</param>
    /// <param name="stop">Stops the server, as SIGTERM does.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args, TimeProvider clock, CancellationToken stop)
    {
        // The settings file lies beside the binaries, so the directory from which the server is started must not matter.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        // ASPNETCORE_FORWARDEDHEADERS_ENABLED would make the server trust forwarded headers from everybody: TrustedProxies alone decides.
        builder.Configuration["ForwardedHeaders_Enabled"] = "false";
        var settings = ServerSettingsReader.Read(builder.Configuration, builder.Environment.IsDevelopment());
        var start = new HostStart();
        LogSetup.Configure(builder.Logging, start);
        await CertificateCheck.RequireAsync(settings, builder.Configuration, builder.Environment.IsDevelopment());
        ListenerCheck.Require(settings);
        using var console = new ServerConsole();

        using var startupLog = LoggerFactory.Create(logging =>
        {
            logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
            LogSetup.Configure(logging);
        });
        await using var silo = settings.HasSilo
            ? await SiloPreparation.PrepareAsync(settings, builder.Environment.IsDevelopment(), startupLog, clock, CancellationToken.None)
            : null;
        await using var membership = SiloPreparation.DescribeMembership(settings.Storage);
        var encryptionKey = silo?.EncryptionKey ?? settings.Keys.EncryptionKey!.Value;
        var keys = new KeyRing(encryptionKey);

        ConfigureServices(builder, settings, clock, keys, silo, membership);
        ConfigureHttp(builder, settings);
        await using var app = console.Build(builder);
        Map(app, settings);
        if (silo is not null)
        {
            UseStoredKeys(silo, keys);
            FollowKeys(app.Services, keys);
            keys.UseRight(ActivatorUtilities.CreateInstance<SiloSigningRight>(app.Services));
        }

        await StartAsync(app, start);
        await app.WaitForShutdownAsync(stop);

        // When a background service fails, the host stops in order. So the exit code must tell a supervisor that this was a failure.
        return FailureOf(app) is null ? Environment.ExitCode : Failed;
    }

    /// <summary>Starts the host. It also returns when a stop is requested meanwhile; then the stop follows.</summary>
    private static async Task StartAsync(WebApplication app, HostStart start)
    {
        try
        {
            await app.StartAsync();
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The log says why, or the stop was requested from outside.
        }
        catch (Exception)
        {
            start.Fail();
            throw;
        }

        start.Succeed();
        if (FailureOf(app) is { } failure)
        {
            // The log was muted while the host started, so nothing has told of this failure yet.
            await ServerConsole.TellAsync(StartFailure.LinesOf(failure));
        }
    }

    /// <summary>The exception that ended a background service; null where every one runs or ended as it should.</summary>
    private static AggregateException? FailureOf(WebApplication app) => app.Services.GetServices<IHostedService>().OfType<BackgroundService>()
        .Select(service => service.ExecuteTask?.Exception)
        .FirstOrDefault(exception => exception is not null);

    private static void ConfigureServices(WebApplicationBuilder builder, ServerSettings settings, TimeProvider clock, KeyRing keys, SiloPreparation? silo, Database membership)
    {
        var services = builder.Services;
        services.AddSingleton(settings);
        services.AddSingleton(clock);
        services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Http.DrainDelay + StopReserve);

        // It drains in StoppingAsync, which the host calls before it stops any service.
        services.AddHostedService<ShutdownDrain>();
        services.AddHostedService<LogWatch>();
        services.AddAuthClusterWeb(settings.IssuerUri, keys);
        services.AddAuthClusterAdmin(new AdminDefaults((int)settings.Tokens.Lifetime.TotalSeconds));
        TelemetrySetup.Configure(services, builder.Configuration);
        if (silo is not null)
        {
            services.AddSingleton(silo);
            services.AddSingleton(new KeyLife(settings.Keys.RotationInterval));
            services.AddSingleton(settings.Usage);
            services.AddAuthClusterGrains(
                silo.Database,
                silo.Keys,
                new ClientDefaults(settings.Issuer, settings.Tokens.DefaultAudience, (int)settings.Tokens.Lifetime.TotalSeconds),
                new FenceSettings(settings.Cluster.ClusterId, settings.Cluster.OutageGrace, settings.Cluster.Mode != ClusterMode.Localhost),
                membership);
            builder.UseOrleans(orleans =>
            {
                OrleansSetup.ConfigureSilo(orleans, settings, silo.Database, membership);
                if (TelemetrySetup.IsTraced(builder.Configuration))
                {
                    orleans.AddActivityPropagation();
                }
            });
            services.AddSingleton(CallTimeouts.ForSilo);
            services.AddHostedService<DeathWatch>();
            services.AddHostedService<RightsWatch>();
            services.AddHostedService<Bootstrap>();
        }
        else
        {
            builder.UseOrleansClient(orleans =>
            {
                OrleansSetup.ConfigureClient(orleans, settings, membership);
                if (TelemetrySetup.IsTraced(builder.Configuration))
                {
                    orleans.AddActivityPropagation();
                }
            });
            services.AddSingleton(CallTimeouts.ForFrontEnd);
            services.AddHostedService<KeySnapshotFollower>();
        }
    }

    private static void ConfigureHttp(WebApplicationBuilder builder, ServerSettings settings)
    {
        builder.WebHost.UseUrls([.. settings.Http.Urls, .. settings.Http.ManagementUrls]);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
            kestrel.Limits.MaxRequestHeaderCount = 100;
            kestrel.Limits.MaxRequestLineSize = 8 * 1024;
            kestrel.Limits.MaxRequestBodySize = 512 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
            kestrel.Limits.MaxConcurrentConnections = 50_000;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 256;
        });
        if (settings.Http.TrustedProxies.Count > 0)
        {
            builder.Services.Configure<ForwardedHeadersOptions>(options =>
            {
                options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
                // Follow as many hops as are trusted, for example an ingress behind a balancer.
                options.ForwardLimit = null;
                options.KnownProxies.Clear();
                options.KnownIPNetworks.Clear();
                foreach (var network in settings.Http.TrustedProxies)
                {
                    options.KnownIPNetworks.Add(network);
                }
            });
        }
    }

    private static void Map(WebApplication app, ServerSettings settings)
    {
        if (settings.Http.TrustedProxies.Count > 0)
        {
            app.UseForwardedHeaders();
        }

        app.UseMiddleware<FaultMiddleware>();
        app.UseExactMethods();
        app.UseRouting();
        app.UseManagementFence(settings);
        app.UseAdminProblems();
        app.MapHealth();
        TelemetrySetup.Map(app);
        if (settings.HasFrontEnd)
        {
            app.MapAuthClusterWeb();
            app.MapAuthClusterAdmin();
        }
    }

    /// <summary>Takes over the stored keys. When they can't be unwrapped the start is refused, and no new keys are created beside them.</summary>
    private static void UseStoredKeys(SiloPreparation silo, KeyRing keys)
    {
        try
        {
            keys.Update(silo.Keys.Snapshot);
        }
        catch (CryptographicException)
        {
            throw new StartupException(SiloPreparation.WrongEncryptionKey);
        }
    }

    /// <summary>Takes over the keys that the silo reads from storage later. When they can't be unwrapped, the present ones go on signing.</summary>
    private static void FollowKeys(IServiceProvider services, KeyRing keys)
    {
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger<KeyRing>();
        services.GetRequiredService<HeldKeys>().Subscribe(snapshot =>
        {
            try
            {
                keys.Update(snapshot);
            }
            catch (CryptographicException)
            {
                StartupLog.KeysNotUnwrapped(log);
            }
        });
    }
}
