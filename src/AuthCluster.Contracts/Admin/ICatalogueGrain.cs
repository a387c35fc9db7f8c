using Orleans.Concurrency;

namespace AuthCluster.Contracts.Admin;

/// <summary>
/// Lists and reports over all clients, from the tables and never from the clients' own grains: a listing activates none of them. Any number of
/// activations may answer; front ends ask here because they have no database connection.
/// </summary>
[GrainInterfaceType("catalogue"), Alias("authcluster.catalogue")]
public interface ICatalogueGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "a:catalogue";

    /// <summary>Lists clients in ordinal order of their ids.</summary>
    [AlwaysInterleave, Alias("list-clients")]
    Task<ClientPageAnswer> ListClientsAsync(ListClientsQuery query, CancellationToken cancellationToken = default);

    /// <summary>Lists audit entries, newest first.</summary>
    [AlwaysInterleave, Alias("list-audit")]
    Task<AuditPageAnswer> ListAuditAsync(ListAuditQuery query, CancellationToken cancellationToken = default);

    /// <summary>When a client, its secrets and its scopes were last used.</summary>
    [AlwaysInterleave, Alias("last-uses")]
    Task<LastUsesAnswer> LastUsesAsync(string clientId, CancellationToken cancellationToken = default);

    /// <summary>A client's requests by hour and outcome.</summary>
    [AlwaysInterleave, Alias("client-usage")]
    Task<ClientUsageAnswer> ClientUsageAsync(ClientUsageQuery query, CancellationToken cancellationToken = default);

    /// <summary>The clients that used or were refused most.</summary>
    [AlwaysInterleave, Alias("usage-report")]
    Task<UsageReportAnswer> UsageReportAsync(UsageReportQuery query, CancellationToken cancellationToken = default);

    /// <summary>Clients, secrets and scopes that were not used since a time.</summary>
    [AlwaysInterleave, Alias("unused-report")]
    Task<UnusedReportAnswer> UnusedReportAsync(UnusedReportQuery query, CancellationToken cancellationToken = default);

    /// <summary>Secrets and signing keys that expire in a window.</summary>
    [AlwaysInterleave, Alias("expiring-report")]
    Task<ExpiringReportAnswer> ExpiringReportAsync(ExpiringReportQuery query, CancellationToken cancellationToken = default);
}
