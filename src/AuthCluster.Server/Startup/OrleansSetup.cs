using System.Net;
using AuthCluster.Grains;
using AuthCluster.Server.Settings;
using AuthCluster.Storage;
using AuthCluster.Web.GrainCalls;
using Orleans.Configuration;

namespace AuthCluster.Server.Startup;

/// <summary>Configures the silo and the client of one cluster.</summary>
internal static class OrleansSetup
{
    // For Orleans' own calls between silos. The calls of a front end end sooner.
    private static readonly TimeSpan SystemResponseTimeout = TimeSpan.FromSeconds(15);

    // A silo that misses two probes of half a second is suspected, and one vote declares it dead. So other silos decide for its clients a
    // second after it was killed, and some four seconds after it began to hang (with the defaults: 11 s and 60 s). A false alarm costs a
    // restart of the silo and a short wait. Orleans makes false alarms rare: it stretches the time-outs of a silo that is itself slow, asks
    // a third silo before the vote, and takes no vote against a silo from which messages still come. Where all silos answer quickly, Orleans
    // would also shorten the time-outs below half a second, and the shortest pause of a starved machine would then exceed them:
    // MinProbeTimeout prevents that.
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromMilliseconds(500);
    private const int MissedProbes = 2;
    private const int VotesForDeath = 1;

    // Costs each process one small read a second. A silo that hung and wakes may run for this long without knowing that it was declared dead,
    // and a front end may try a gateway that is gone for this long.
    private static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(1);

    // A silo that joins does not wait for a silo whose row was not written for three of these periods. So the start after all silos were
    // killed at once takes that long. No silo is declared dead for such a row, so that an outage of the database kills no silo.
    private static readonly TimeSpan AliveMark = TimeSpan.FromSeconds(5);

    /// <param name="silo">The builder.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="database">The grains' database.</param>
    /// <param name="membership">The same database over separate connections, so that grains can't use up the connections of the membership.</param>
    public static void ConfigureSilo(ISiloBuilder silo, ServerSettings settings, Database database, Database membership)
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
                options.Invariant = membership.OrleansInvariant;
                options.DataSource = membership.DataSource;
            });
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = ProbeTimeout;
                options.MinProbeTimeout = ProbeTimeout;
                options.NumMissedProbesLimit = MissedProbes;
                options.NumVotesForDeathDeclaration = VotesForDeath;
                options.TableRefreshTimeout = TableRefresh;
                options.IAmAliveTablePublishTimeout = AliveMark;
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
            options.ResponseTimeout = CallTimeouts.ResponseTimeout;
            options.SystemResponseTimeout = SystemResponseTimeout;
        });
        silo.AddAuthClusterStorage(database);
    }

    public static void ConfigureClient(IClientBuilder client, ServerSettings settings, Database membership)
    {
        client.Configure<ClusterOptions>(options =>
        {
            options.ClusterId = settings.Cluster.ClusterId;
            options.ServiceId = settings.Cluster.ServiceId;
        });
        client.UseAdoNetClustering(options =>
        {
            options.Invariant = membership.OrleansInvariant;
            options.DataSource = membership.DataSource;
        });
        client.Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TableRefresh);
        client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = CallTimeouts.ResponseTimeout);
        client.UseConnectionRetryFilter<SiloSearch>();
    }
}
