using System.Net;
using AuthCluster.Grains.Sweeps;
using AuthCluster.Protocol.Metadata;

namespace AuthCluster.Server.Settings;

/// <summary>What a process does.</summary>
internal enum ServerRole
{
    /// <summary>Silo and front end.</summary>
    All,

    /// <summary>Grains and health endpoints.</summary>
    Silo,

    /// <summary>Orleans client and HTTP.</summary>
    FrontEnd,
}

/// <summary>Where silos find each other.</summary>
internal enum ClusterMode
{
    /// <summary>One silo, on loopback.</summary>
    Localhost,

    /// <summary>The membership table of the shared database.</summary>
    Database,
}

/// <summary>The validated configuration of one process.</summary>
internal sealed record ServerSettings
{
    public required IssuerUri IssuerUri { get; init; }

    public string Issuer => IssuerUri.Value;

    public required ServerRole Role { get; init; }

    public required string DataDirectory { get; init; }

    public required StorageSettings Storage { get; init; }

    public required ClusterSettings Cluster { get; init; }

    public required TokenSettings Tokens { get; init; }

    public required KeySettings Keys { get; init; }

    public required BootstrapSettings Bootstrap { get; init; }

    public required HttpSettings Http { get; init; }

    public required UsageRetention Usage { get; init; }

    /// <summary>Whether this process has a silo, and so uses the grains' database.</summary>
    public bool HasSilo => Role is ServerRole.All or ServerRole.Silo;

    /// <summary>Whether this process answers OAuth and admin requests.</summary>
    public bool HasFrontEnd => Role is ServerRole.All or ServerRole.FrontEnd;
}

internal sealed record StorageSettings(Storage.StorageProvider Provider, string ConnectionString, bool MigrateOnStart)
{
    public bool IsShared => Provider != AuthCluster.Storage.StorageProvider.Sqlite;
}

/// <param name="Mode">Where silos find each other.</param>
/// <param name="ClusterId">The name of the cluster.</param>
/// <param name="ServiceId">The name of its data.</param>
/// <param name="SiloPort">The port for other silos.</param>
/// <param name="GatewayPort">The port for front ends without a silo.</param>
/// <param name="Address">Where both ports listen.</param>
/// <param name="OutageGrace">How long a silo that can't read the database goes on deciding; zero for not at all.</param>
internal sealed record ClusterSettings(
    ClusterMode Mode, string ClusterId, string ServiceId, int SiloPort, int GatewayPort, IPAddress Address, TimeSpan OutageGrace);

internal sealed record TokenSettings(TimeSpan Lifetime, string Algorithm, string DefaultAudience);

/// <summary>The key-encryption key is null where one is generated into the data folder.</summary>
internal sealed record KeySettings(
    ReadOnlyMemory<byte>? EncryptionKey, ReadOnlyMemory<byte>? PreviousEncryptionKey, TimeSpan RotationInterval, TimeSpan PublishAhead)
{
    public override string ToString() => nameof(KeySettings);
}

internal sealed record BootstrapSettings(string? AdminClientId, string? AdminClientSecret, string? ClientsFile)
{
    public override string ToString() => nameof(BootstrapSettings);
}

internal sealed record HttpSettings(
    IReadOnlyList<IPNetwork> TrustedProxies, TimeSpan DrainDelay, IReadOnlyList<string> Urls, IReadOnlyList<string> ManagementUrls);
