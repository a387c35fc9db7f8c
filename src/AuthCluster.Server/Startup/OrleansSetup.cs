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
    // Of what silos ask each other. Calls of a front end end sooner.
    private static readonly TimeSpan SystemResponseTimeout = TimeSpan.FromSeconds(15);

    // A silo that misses two probes of half a second is suspected, and one vote is enough: its clients are decided
    // elsewhere a second after it was killed, and some four seconds after it hangs (the defaults take 11 s and 60 s).
    // A false alarm costs the silo's restart and a moment's wait; what stands against it is that Orleans stretches
    // the time-outs of a silo that is itself slow, asks a third silo before the vote, and takes no vote against a
    // silo from which messages still come. It would also shorten them below half a second where all answer quickly,
    // which the shortest pause of a starved machine then exceeds: not here.
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromMilliseconds(500);
    private const int MissedProbes = 2;
    private const int VotesForDeath = 1;

    // One small read a second and process: how long a silo that hung, and wakes, lives on without knowing that it
    // is dead, and how long a front end may try a gateway that is gone.
    private static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(1);

    // A row that was not written for three of these is not waited for by a silo that joins: so long takes the start
    // after all silos were killed at once. Nobody is declared dead for it, so that an outage of the database is none.
    private static readonly TimeSpan AliveMark = TimeSpan.FromSeconds(5);

    /// <param name="silo">The builder.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="database">The grains' database.</param>
    /// <param name="membership">The same database over connections of its own, so that the grains' can't take those that tell who lives.</param>
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
