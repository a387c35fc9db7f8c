using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
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
                var page = await catalogue.PageAsync(new CatalogueQuery(query.Search, query.Owner, query.After, query.Limit), token);
                return new ClientPageAnswer(true, [.. page.Items.Select(ViewOf)], page.Next);
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
                return new AuditPageAnswer(true, [.. page.Items.Select(RecordOf)], page.Next);
            },
            new AuditPageAnswer(false, [], null),
            cancellationToken);

    public Task<LastUsesAnswer> LastUsesAsync(string clientId, CancellationToken cancellationToken = default) =>
        ListAsync(
            async token => new LastUsesAnswer(
                true,
                [.. (await usage.LastUsesAsync(clientId, token)).Select(use => new LastUseRecord(use.Kind, use.Value, use.UsedAt))]),
            new LastUsesAnswer(false, []),
            cancellationToken);

    public Task<ClientUsageAnswer> ClientUsageAsync(ClientUsageQuery query, CancellationToken cancellationToken = default) =>
        ListAsync(
            async token => new ClientUsageAnswer(
                true,
                [.. (await usage.ReadAsync(query.ClientId, query.From, query.To, token))
                    .Select(hour => new HourlyUsageRecord(hour.Hour, hour.Outcome, hour.Count))]),
            new ClientUsageAnswer(false, []),
            cancellationToken);

    public Task<UsageReportAnswer> UsageReportAsync(UsageReportQuery query, CancellationToken cancellationToken = default) =>
        ReportAsync(
            async token => new UsageReportAnswer(
                true,
                [.. (await usage.TopAsync(query.From, query.To, query.ByRefused ? UsageOrder.Refused : UsageOrder.Issued, query.Limit, token))
                    .Select(total => new UsageTotalRecord(total.ClientId, total.Issued, total.Refused))]),
            new UsageReportAnswer(false, []),
            cancellationToken);

    public Task<UnusedReportAnswer> UnusedReportAsync(UnusedReportQuery query, CancellationToken cancellationToken = default) =>
        ReportAsync(
            async token =>
            {
                var after = query.After is { } last
                    ? new UnusedPart(last.ClientId, last.Kind, last.Value, last.Label, last.CreatedAt, last.LastUsedAt)
                    : null;
                return new UnusedReportAnswer(
                    true,
                    [.. (await usage.UnusedAsync(query.Before, after, query.Limit, token)).Select(part => new UnusedRecord(
                        part.ClientId, part.Kind, part.Value, part.Label, part.CreatedAt, part.LastUsedAt))]);
            },
            new UnusedReportAnswer(false, []),
            cancellationToken);

    public Task<ExpiringReportAnswer> ExpiringReportAsync(ExpiringReportQuery query, CancellationToken cancellationToken = default) =>
        ReportAsync(
            async token =>
            {
                var after = query.After is { } last
                    ? new ExpiringSecret(last.ClientId, last.SecretId, last.Label, last.Owner, last.ClientEnabled, last.ExpiresAt)
                    : null;
                var secrets = await catalogue.ExpiringSecretsAsync(query.From, query.To, after, query.Limit, token);
                return new ExpiringReportAnswer(
                    true,
                    [.. secrets.Select(secret => new ExpiringSecretRecord(
                        secret.ClientId, secret.SecretId, secret.Label, secret.Owner, secret.ClientEnabled, secret.ExpiresAt))],
                    await keys.ReadAsync(token) is { } material && EndOfActiveKey(material, keyLife.RotationInterval) is { } end && end.ExpiresAt > query.From && end.ExpiresAt <= query.To
                        ? [end]
                        : []);
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

    private static ClientView ViewOf(CatalogueEntry entry) => new()
    {
        ClientId = entry.ClientId,
        DocumentJson = entry.Document,
        Enabled = entry.Enabled,
        ETag = entry.ETag,
        CreatedAt = entry.CreatedAt,
        UpdatedAt = entry.UpdatedAt,
        LastUsedAt = entry.LastUsedAt,
    };

    private static AuditRecord RecordOf(AuditEntry entry) => new()
    {
        AuditId = entry.AuditId,
        At = entry.At,
        Actor = entry.Actor,
        Action = entry.Action,
        Target = entry.Target,
        RemoteAddress = entry.RemoteAddress,
        RequestId = entry.RequestId,
        BeforeJson = entry.Before,
        AfterJson = entry.After,
    };
}
