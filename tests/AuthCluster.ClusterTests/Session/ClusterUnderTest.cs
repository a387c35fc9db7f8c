using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Session;

/// <summary>Servers of one cluster on one database, each with ports of its own, all of them on loopback.</summary>
public sealed class ClusterUnderTest : IAsyncDisposable
{
    private readonly List<ServerProcess> _nodes = [];
    private readonly TemporaryFolder _folder = new();
    private readonly string _encryptionKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    private readonly string _issuer = $"http://localhost:{FreePorts.Take()}";
    private readonly string _clientsFile;
    private readonly string _connectionString;

    private ClusterUnderTest(TestDatabase database, string connectionString, IEnumerable<JsonObject> clients)
    {
        Database = database;
        _connectionString = connectionString;
        _clientsFile = _folder.Write("clients.json", new JsonArray([.. clients]).ToJsonString());
    }

    /// <summary>The database that all of them share.</summary>
    public TestDatabase Database { get; }

    /// <summary>All servers, in the order in which they were added.</summary>
    public IReadOnlyList<ServerProcess> Nodes => _nodes;

    /// <summary>The key-encryption key of all of them.</summary>
    public string EncryptionKey => _encryptionKey;

    /// <summary>A cluster on an empty database, without servers yet.</summary>
    public static async Task<ClusterUnderTest> CreateAsync(DatabaseKind kind, params IEnumerable<JsonObject> clients) =>
        On(await TestDatabase.CreateAsync(kind), clients);

    /// <summary>A cluster on a database that the test has made, which goes with the cluster; without servers yet.</summary>
    public static ClusterUnderTest On(TestDatabase database, params IEnumerable<JsonObject> clients)
    {
        ArgumentNullException.ThrowIfNull(database);
        return new(database, database.ConnectionString, clients);
    }

    /// <summary>As <see cref="On"/>, with a proxy between the servers and the database.</summary>
    public static ClusterUnderTest Through(TcpProxy proxy, TestDatabase database, params IEnumerable<JsonObject> clients)
    {
        ArgumentNullException.ThrowIfNull(database);
        return new(database, database.ConnectionStringThrough(proxy), clients);
    }

    /// <summary>As <see cref="CreateAsync"/>, with this many servers of role All running.</summary>
    public static async Task<ClusterUnderTest> StartAsync(DatabaseKind kind, int count, params IEnumerable<JsonObject> clients)
    {
        var cluster = await CreateAsync(kind, clients);
        try
        {
            await cluster.StartNodesAsync(count);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds servers and starts them all at once.</summary>
    public async Task<IReadOnlyList<ServerProcess>> StartNodesAsync(int count, Action<ServerProcess>? configure = null)
    {
        var added = Enumerable.Range(0, count).Select(_ => Add(configure)).ToList();
        await Task.WhenAll(added.Select(node => node.StartAsync(TestContext.Current.CancellationToken)));
        return added;
    }

    /// <summary>Adds a server that is not started yet.</summary>
    /// <param name="configure">Sets more of it.</param>
    /// <param name="host">The host that it listens at.</param>
    public ServerProcess Add(Action<ServerProcess>? configure = null, string host = "localhost")
    {
        var node = new ServerProcess(host: host)
        {
            ["AuthCluster:Issuer"] = _issuer,
            ["AuthCluster:Storage:Provider"] = $"{Database.Kind}",
            ["AuthCluster:Storage:ConnectionString"] = _connectionString,
            ["AuthCluster:Keys:EncryptionKey"] = _encryptionKey,
            ["AuthCluster:Cluster:AdvertisedAddress"] = "127.0.0.1",
            ["AuthCluster:Bootstrap:ClientsFile"] = _clientsFile,
        };
        configure?.Invoke(node);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Leaves a server that has ended out of the cluster.</summary>
    public void Forget(ServerProcess node) => _nodes.Remove(node);

    /// <summary>The end of what each server printed, for a failure message.</summary>
    public string Outputs() =>
        string.Join("\n", _nodes.Select((node, i) => $"--- server {i}, port {node.Port}\n{ServerProcess.Tail(node.Output, 3_000)}"));

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
        await Database.DisposeAsync();
        _folder.Dispose();
    }
}
