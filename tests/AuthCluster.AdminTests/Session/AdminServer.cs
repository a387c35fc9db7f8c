using System.Text.Json.Nodes;
using AuthCluster.ServerKit;
using AuthCluster.TestKit.OAuth;
using AuthCluster.TestKit;
using Microsoft.Data.Sqlite;

namespace AuthCluster.AdminTests.Session;

/// <summary>A server with an admin, a reader and a plain client.</summary>
public sealed class AdminServer : IAsyncLifetime
{
    private HttpClient? _http;

    /// <summary>One in this process.</summary>
    public AdminServer()
        : this(new InProcessServer())
    {
    }

    /// <summary>One that runs as the test wants it.</summary>
    internal AdminServer(Installation installation) => Installation = installation;

    /// <summary>May do everything.</summary>
    public static readonly TestClient Admin = TestClient.New("admin-one");

    /// <summary>May do everything too, so that the other may be disabled.</summary>
    public static readonly TestClient SecondAdmin = TestClient.New("admin-two");

    /// <summary>May read.</summary>
    public static readonly TestClient Reader = TestClient.New("reader");

    /// <summary>A client as any other, for the server's own audience.</summary>
    public static readonly TestClient Plain = TestClient.New("plain");

    /// <summary>The server.</summary>
    public Installation Installation { get; }

    /// <summary>A connection to it.</summary>
    public HttpClient Http => _http ??= new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
    {
        BaseAddress = Installation.Address,
        Timeout = TimeSpan.FromSeconds(40),
    };

    private string DatabaseFile => Directory.EnumerateFiles(Installation.DataDirectory, "*.db").Single();

    /// <summary>Starts it, or starts it again on the same data.</summary>
    public async Task StartAsync()
    {
        Installation["AuthCluster:Bootstrap:ClientsFile"] ??= Installation.WriteFile("clients.json", ClientDocument.File(
            Document(Admin, "authcluster:admin"),
            Document(SecondAdmin, "authcluster:admin"),
            Document(Reader, "authcluster:read"),
            Document(Plain, "read")));
        await Installation.StartAsync(CancellationToken.None);
    }

    /// <summary>A caller with a fresh token.</summary>
    public async Task<AdminCaller> CallerAsync(TestClient? client = null) =>
        new(Http, await TokenAsync(client ?? Admin));

    /// <summary>A token, which must be granted.</summary>
    public async Task<string> TokenAsync(TestClient client, string more = "")
    {
        var answer = await TryTokenAsync(client, more);
        Assert.True(answer.Status == 200, answer.ToString());
        return answer.Token;
    }

    /// <summary>Asks for a token.</summary>
    public async Task<TokenAnswer> TryTokenAsync(TestClient client, string more = "")
    {
        using var caller = new TokenEndpointCaller(Installation.Address);
        return await caller.PostAsync(client, more);
    }

    /// <summary>Runs a query on the database, beside the running server.</summary>
    public IReadOnlyList<string[]> Query(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The test's own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        using var reader = command.ExecuteReader();
        var rows = new List<string[]>();
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : reader.GetValue(i).ToString()!)]);
        }

        return rows;
    }

    /// <summary>Runs a statement on the database, beside the running server.</summary>
    public void Execute(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The test's own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => await StartAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        await Installation.DisposeAsync();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={DatabaseFile};Pooling=False;Default Timeout=20");
        connection.Open();
        return connection;
    }

    private static JsonObject Document(TestClient client, string scope) => ClientDocument.For(client, new() { ["scopes"] = new JsonArray(scope) });
}

/// <summary>The test classes that share one server and do not harm it.</summary>
[CollectionDefinition(Name)]
public sealed class OnAdminServer : ICollectionFixture<AdminServer>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "on the admin server";
}
