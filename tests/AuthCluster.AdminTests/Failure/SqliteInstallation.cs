using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Failure;

/// <summary>A server on the embedded database that its tests may harm.</summary>
public sealed class SqliteInstallation : IAsyncLifetime
{
    /// <summary>The server.</summary>
    public AdminServer Server { get; } = new();

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => await Server.StartAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
