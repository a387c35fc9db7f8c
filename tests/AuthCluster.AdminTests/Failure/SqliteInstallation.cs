using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Failure;

/// <summary>A server on the embedded database, as a process of its own.</summary>
public sealed class SqliteInstallation : IAsyncLifetime
{
    /// <summary>A server that its tests may kill.</summary>
    public SqliteInstallation() => Server = new AdminServer(Process);

    /// <summary>The server's process.</summary>
    public ServerProcess Process { get; } = new();

    /// <summary>The server.</summary>
    public AdminServer Server { get; }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => await Server.StartAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
