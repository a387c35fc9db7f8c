using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Clients;

/// <summary>When secrets expire, and which warnings were given.</summary>
public sealed class ExpiryStore(Database database)
{
    private readonly string _soonest = database.Sql(
        sqlite: """
            select p.expires_at from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at > @Now and p.kind = 'secret' and c.enabled = 1
            order by p.expires_at limit 1
            """,
        postgreSql: """
            select p.expires_at from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at > @Now and p.kind = 'secret' and c.enabled
            order by p.expires_at limit 1
            """,
        sqlServer: """
            select top (1) p.expires_at from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at > @Now and p.kind = 'secret' and c.enabled = 1
            order by p.expires_at
            """);

    private readonly string _ending = database.Sql(
        others: """
            select p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at,
                (select min(w.days) from expiry_warning w where w.client_id = p.client_id and w.secret_id = p.value and w.expires_at = p.expires_at)
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at <= @To and p.kind = 'secret'
                and (p.expires_at, p.client_id, p.value) > (@ExpiresAt, @ClientId, @SecretId)
            order by p.expires_at, p.client_id, p.value limit @Limit
            """,
        sqlServer: """
            select top (@Limit) p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at,
                (select min(w.days) from expiry_warning w where w.client_id = p.client_id and w.secret_id = p.value and w.expires_at = p.expires_at)
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at <= @To and p.kind = 'secret'
                and p.expires_at >= @ExpiresAt
                and (p.expires_at > @ExpiresAt or p.client_id > @ClientId or (p.client_id = @ClientId and p.value > @SecretId))
            order by p.expires_at, p.client_id, p.value
            """);

    private readonly string _claim = database.Sql(
        sqlite: """
            insert into expiry_warning (client_id, secret_id, expires_at, days) values (@ClientId, @SecretId, @ExpiresAt, @Days)
            on conflict do nothing
            """,
        postgreSql: """
            insert into expiry_warning (client_id, secret_id, expires_at, days) values (@ClientId, @SecretId, @ExpiresAt, @Days)
            on conflict do nothing
            """,
        sqlServer: """
            insert into expiry_warning (client_id, secret_id, expires_at, days)
            select @ClientId, @SecretId, @ExpiresAt, @Days
            where not exists (
                select 1 from expiry_warning
                where client_id = @ClientId and secret_id = @SecretId and expires_at = @ExpiresAt and days = @Days)
            """);

    private readonly string _sweep = database.Sql(
        sqlite: """
            delete from expiry_warning where (client_id, secret_id, expires_at, days) in (
                select client_id, secret_id, expires_at, days from expiry_warning where expires_at <= @Now order by expires_at limit @Limit)
            """,
        postgreSql: """
            delete from expiry_warning where (client_id, secret_id, expires_at, days) in (
                select client_id, secret_id, expires_at, days from expiry_warning where expires_at <= @Now order by expires_at limit @Limit for update skip locked)
            """,
        sqlServer: "delete top (@Limit) from expiry_warning where expires_at <= @Now");

    /// <summary>When the next secret of an enabled client expires; null when none does.</summary>
    public async Task<DateTimeOffset?> SoonestAsync(DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        var rows = await database.ReadAsync(_soonest, new { Now = new StoredTime(now) }, row => row.Time(0), cancellationToken);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>
    /// Secrets that expire after now and not after a time, the soonest first, page by page, each with the nearest warning that was given.
    /// </summary>
    /// <param name="now">Past this.</param>
    /// <param name="to">Up to this.</param>
    /// <param name="after">The last of the page before; null for the first page.</param>
    /// <param name="limit">The most to answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<EndingSecret>> EndingAsync(
        DateTimeOffset now, DateTimeOffset to, ExpiringSecretRecord? after, int limit, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _ending,
            new
            {
                ExpiresAt = new StoredTime(after?.ExpiresAt ?? now),
                To = new StoredTime(to),
                // No id is above this one, so that nothing that runs out exactly now is answered.
                ClientId = after?.ClientId ?? StoredText.EndOfPrefix(database.Provider, ""),
                SecretId = after?.SecretId ?? "",
                Limit = limit,
            },
            row => new EndingSecret(
                new ExpiringSecretRecord(row.GetString(0), row.GetString(1), row.TextOrNull(2), row.GetString(3), row.GetBoolean(4), row.Time(5)),
                row.IsDBNull(6) ? null : row.GetInt32(6)),
            cancellationToken);

    /// <summary>Claims warnings; answers those that nobody had claimed before. Each warning goes to one caller.</summary>
    public Task<IReadOnlyList<ExpiryWarning>> ClaimAsync(IReadOnlyList<ExpiryWarning> due, CancellationToken cancellationToken = default) =>
        database.WriteAsync<IReadOnlyList<ExpiryWarning>>(
            async (connection, transaction) =>
            {
                var claimed = new List<ExpiryWarning>();
                foreach (var warning in due)
                {
                    var row = new { warning.Secret.ClientId, warning.Secret.SecretId, ExpiresAt = new StoredTime(warning.Secret.ExpiresAt), warning.Days };
                    if (await Database.ExecuteAsync(connection, transaction, _claim, row, cancellationToken) == 1)
                    {
                        claimed.Add(warning);
                    }
                }

                return claimed;
            },
            cancellationToken);

    /// <summary>Deletes warnings of expired secrets, at most <paramref name="max"/> of them, and returns how many.</summary>
    public Task<int> SweepAsync(DateTimeOffset now, int max, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_sweep, new { Now = new StoredTime(now), Limit = max }, cancellationToken);
}

/// <summary>A secret that runs out.</summary>
/// <param name="Secret">The secret.</param>
/// <param name="WarnedDays">How many days ahead the nearest warning was that was given of this end: 30, 7 or 1; null for none.</param>
public sealed record EndingSecret(ExpiringSecretRecord Secret, int? WarnedDays);

/// <summary>A warning that is due.</summary>
/// <param name="Secret">The secret.</param>
/// <param name="Days">How many days ahead: 30, 7 or 1.</param>
public sealed record ExpiryWarning(ExpiringSecretRecord Secret, int Days);
