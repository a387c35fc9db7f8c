using System.Net;
using AuthCluster.Grains;
using AuthCluster.Server.Settings;
using AuthCluster.Storage;
using Orleans.Configuration;

namespace AuthCluster.Server.Startup;

/// <summary>Configures the silo and the client of one cluster.</summary>
internal static class OrleansSetup
{
    // Longer than the front end's own deadline of 8 s: a call to a hung silo ends when that silo is declared dead.
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(15);

    public static void ConfigureSilo(ISiloBuilder silo, ServerSettings settings, SiloPreparation prepared)
    {
        var cluster = settings.Cluster;
        silo.Configure<ClusterOptions>(options =>
        {
            options.ClusterId = cluster.ClusterId;
            options.ServiceId = cluster.ServiceId;
        });
        if (cluster.Mode == ClusterMode.Localhost)
        {
            silo.UseLocalhostClustering(cluster.SiloPort, cluster.GatewayPort, null, cluster.ServiceId, cluster.ClusterId);
        }
        else
        {
            silo.UseAdoNetClustering(options =>
            {
                options.Invariant = prepared.Database.OrleansInvariant;
                options.ConnectionString = settings.Storage.ConnectionString;
            });
        }

        silo.Configure<EndpointOptions>(options =>
        {
            options.AdvertisedIPAddress = cluster.Address;
            options.SiloPort = cluster.SiloPort;
            options.GatewayPort = cluster.GatewayPort;
            options.SiloListeningEndpoint = new IPEndPoint(cluster.Address, cluster.SiloPort);
            options.GatewayListeningEndpoint = new IPEndPoint(cluster.Address, cluster.GatewayPort);
        });
        silo.Configure<SiloMessagingOptions>(options =>
        {
            options.ResponseTimeout = ResponseTimeout;
            options.SystemResponseTimeout = ResponseTimeout;
        });
        silo.AddAuthClusterStorage(prepared.Database);
    }

    public static void ConfigureClient(IClientBuilder client, ServerSettings settings, Database database)
    {
        client.Configure<ClusterOptions>(options =>
        {
            options.ClusterId = settings.Cluster.ClusterId;
            options.ServiceId = settings.Cluster.ServiceId;
        });
        client.UseAdoNetClustering(options =>
        {
            options.Invariant = database.OrleansInvariant;
            options.ConnectionString = settings.Storage.ConnectionString;
        });
        client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = ResponseTimeout);
    }
}
