using AuthCluster.Contracts.Admin;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Keys;
using Orleans.Concurrency;

namespace AuthCluster.Grains.Admin;

/// <summary>
/// Answers lists and reports from storage. Holds no state, so many activations may answer and calls interleave;
/// the storage lanes bound how many queries run at a time.
/// </summary>
[GrainType("catalogue"), StatelessWorker(1)]
internal sealed class CatalogueGrain(
    CatalogueStore catalogue,
    AuditStore audit,
    UsageStore usage,
    KeyMaterialStore keys,
    KeyLife keyLife,
    StorageGate gate) : Grain, ICatalogueGrain
{
    public Task<ClientPageAnswer> ListClientsAsync(ListClientsQuery query, CancellationToken cancellationToken = default) =>
        ListAsync(
            async token =>
            {
                var page = await catalogue.PageAsync(query, token);
                return new ClientPageAnswer(true, [.. page.Items], page.Next);
            },
            new ClientPageAnswer(false, [], null),
            cancellationToken);

    public Task<AuditPageAnswer> ListAuditAsync(ListAuditQuery query, CancellationToken cancellationToken = default) =>
        ListAsync(
            async token =>
            {
                if (query.After is { } after && !AuditStore.IsNext(after))
                {
                    return new AuditPageAnswer(true, [], null, AfterIsNone: true);
                }

                var page = await audit.PageAsync(query.ClientId, query.After, query.Limit, token);
                return new AuditPageAnswer(true, [.. page.Items], page.Next);
            },
            new AuditPageAnswer(false, [], null),
            cancellationToken);

    public Task<LastUsesAnswer> LastUsesAsync(string clientId, CancellationToken cancellationToken = default) =>
        ListAsync(
            async token => new LastUsesAnswer(true, [.. await usage.LastUsesAsync(clientId, token)]),
            new LastUsesAnswer(false, []),
            cancellationToken);

    public Task<ClientUsageAnswer> ClientUsageAsync(ClientUsageQuery query, CancellationToken cancellationToken = default) =>
        ListAsync(
            async token => new ClientUsageAnswer(true, [.. await usage.ReadAsync(query.ClientId, query.From, query.To, token)]),
            new ClientUsageAnswer(false, []),
            cancellationToken);

    public Task<UsageReportAnswer> UsageReportAsync(UsageReportQuery query, CancellationToken cancellationToken = default) =>
        ReportAsync(
            async token => new UsageReportAnswer(true, [.. await usage.TopAsync(query.From, query.To, query.ByRefused, query.Limit, token)]),
            new UsageReportAnswer(false, []),
            cancellationToken);

    public Task<UnusedReportAnswer> UnusedReportAsync(UnusedReportQuery query, CancellationToken cancellationToken = default) =>
        ReportAsync(
            async token => new UnusedReportAnswer(true, [.. await usage.UnusedAsync(query.Before, query.After, query.Limit, token)]),
            new UnusedReportAnswer(false, []),
            cancellationToken);

    public Task<ExpiringReportAnswer> ExpiringReportAsync(ExpiringReportQuery query, CancellationToken cancellationToken = default) =>
        ReportAsync(
            async token =>
            {
                var secrets = await catalogue.ExpiringSecretsAsync(query.From, query.To, query.After, query.Limit, token);
                var key = await keys.ReadAsync(token) is { } material ? EndOfActiveKey(material, keyLife.RotationInterval) : null;
                return new ExpiringReportAnswer(
                    true, [.. secrets], key is not null && key.ExpiresAt > query.From && key.ExpiresAt <= query.To ? [key] : []);
            },
            new ExpiringReportAnswer(false, [], []),
            cancellationToken);

    /// <summary>The rotation at which the active key stops signing; null while there is no active key.</summary>
    private static ExpiringKeyRecord? EndOfActiveKey(KeyMaterial material, TimeSpan rotationInterval) =>
        material.SigningKeys.FirstOrDefault(key => key.State == StoredKeyState.Active) is { ActiveAt: { } since } active
            ? new ExpiringKeyRecord(active.Kid, since + rotationInterval)
            : null;

    /// <summary>Runs a query that an index answers.</summary>
    private async Task<T> ListAsync<T>(Func<CancellationToken, Task<T>> read, T unavailable, CancellationToken cancellationToken) =>
        (await gate.AskAsync(StorageLane.Lists, read, cancellationToken)).Or(unavailable);

    /// <summary>Runs a query that may scan a whole table: few at a time, with a longer deadline.</summary>
    private async Task<T> ReportAsync<T>(Func<CancellationToken, Task<T>> read, T unavailable, CancellationToken cancellationToken) =>
        (await gate.AskAsync(StorageLane.Reports, read, cancellationToken)).Or(unavailable);
}
