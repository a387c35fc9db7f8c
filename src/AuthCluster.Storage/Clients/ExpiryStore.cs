namespace AuthCluster.Storage.Clients;

/// <summary>The ends of secrets: the soonest one, and which warnings of them were given.</summary>
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

    private readonly string _due = database.Sql(
        sqlite: """
            select p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at > @Now and p.expires_at <= @To and p.kind = 'secret' and c.enabled = 1
                and not exists (
                    select 1 from expiry_warning w
                    where w.client_id = p.client_id and w.secret_id = p.value and w.expires_at = p.expires_at and w.days <= @Days)
            order by p.expires_at limit @Limit
            """,
        postgreSql: """
            select p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at > @Now and p.expires_at <= @To and p.kind = 'secret' and c.enabled
                and not exists (
                    select 1 from expiry_warning w
                    where w.client_id = p.client_id and w.secret_id = p.value and w.expires_at = p.expires_at and w.days <= @Days)
            order by p.expires_at limit @Limit
            """,
        sqlServer: """
            select top (@Limit) p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at > @Now and p.expires_at <= @To and p.kind = 'secret' and c.enabled = 1
                and not exists (
                    select 1 from expiry_warning w
                    where w.client_id = p.client_id and w.secret_id = p.value and w.expires_at = p.expires_at and w.days <= @Days)
            order by p.expires_at
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

    /// <summary>When the next secret of an enabled client runs out; null when none does.</summary>
    public async Task<DateTimeOffset?> SoonestAsync(DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        var rows = await database.ReadAsync(_soonest, new { Now = new StoredTime(now) }, row => row.Time(0), cancellationToken);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>
    /// Takes over the warnings that are due: secrets of enabled clients that run out within so many days and of which no
    /// warning for so many days or fewer was given. Nobody else gets the same ones.
    /// </summary>
    public async Task<IReadOnlyList<ExpiringSecret>> ClaimAsync(DateTimeOffset now, int days, int most, CancellationToken cancellationToken = default)
    {
        var due = await database.ReadAsync(
            _due,
            new { Now = new StoredTime(now), To = new StoredTime(now.AddDays(days)), Days = days, Limit = most },
            row => new ExpiringSecret(
                row.GetString(0), row.GetString(1), row.TextOrNull(2), row.GetString(3), row.GetBoolean(4), row.Time(5)),
            cancellationToken);
        return due.Count == 0 ? [] : await database.WriteAsync(
            async (connection, transaction) =>
            {
                var claimed = new List<ExpiringSecret>();
                foreach (var secret in due)
                {
                    var row = new { secret.ClientId, secret.SecretId, ExpiresAt = new StoredTime(secret.ExpiresAt), Days = days };
                    if (await Database.ExecuteAsync(connection, transaction, _claim, row, cancellationToken) == 1)
                    {
                        claimed.Add(secret);
                    }
                }

                return claimed;
            },
            cancellationToken);
    }

    /// <summary>Forgets warnings of secrets that have run out, at most <paramref name="most"/> of them, and returns how many.</summary>
    public Task<int> SweepAsync(DateTimeOffset now, int most, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_sweep, new { Now = new StoredTime(now), Limit = most }, cancellationToken);
}
