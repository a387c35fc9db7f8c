using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;

namespace AuthCluster.Storage.Clients;

/// <summary>Lists, search and counts of clients, from the catalogue alone: a listing activates no grain.</summary>
public sealed class CatalogueStore(Database database)
{
    /// <summary>
    /// Up to this many names with one prefix are sorted. With more, reading in the order of the ids finds enough of them soon.
    /// </summary>
    /// <remarks>
    /// Measured on SQLite over a million clients, in processor time: to count and sort 100,000 names 25 ms; to go through 900,000 ids 65 ms, which
    /// takes more than a tenth of all clients beginning alike and all of them at the end of the ids; both in proportion.
    /// </remarks>
    private const int MaxSortedNames = 100_000;

    private const int MaxOwnerLength = 128;

    private readonly CatalogueSql _sql = CatalogueSql.Of(database.Provider);

    private readonly string _admins = database.Sql(
        sqlite: "select count(*) from client_catalogue where is_admin = 1 and enabled = 1 and deleted = 0",
        postgreSql: "select count(*) from client_catalogue where is_admin and enabled and not deleted",
        sqlServer: "select count(*) from client_catalogue where is_admin = 1 and enabled = 1 and deleted = 0");

    private readonly string _expiring = database.Sql(
        others: """
            select p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at >= @From and p.expires_at <= @To and p.kind = 'secret'
                and (p.expires_at, p.client_id, p.value) > (@From, @ClientId, @SecretId)
            order by p.expires_at, p.client_id, p.value limit @Limit
            """,
        sqlServer: """
            select top (@Limit) p.client_id, p.value, p.label, c.owner, c.enabled, p.expires_at
            from client_part p join client_catalogue c on c.client_id = p.client_id
            where p.expires_at is not null and p.expires_at >= @From and p.expires_at <= @To and p.kind = 'secret'
                and (p.expires_at > @From or p.client_id > @ClientId or (p.client_id = @ClientId and p.value > @SecretId))
            order by p.expires_at, p.client_id, p.value
            """);

    /// <summary>
    /// Lists clients in ordinal order of their ids, without their secrets. A search finds the beginning of an id exactly, and of a name in any case.
    /// </summary>
    public async Task<Page<ClientView>> PageAsync(ListClientsQuery query, CancellationToken cancellationToken = default)
    {
        if (!IsStorable(query.Search) || !IsStorable(query.Owner) || !IsStorable(query.After) || query.Owner is "")
        {
            return new Page<ClientView>([], null);
        }

        var search = query.Search ?? "";
        var after = query.After ?? "";
        var nameKey = StoredText.NameKey(search);
        var parameters = new
        {
            After = after,
            Owner = query.Owner is null ? "" : OwnerKey(query.Owner),
            Search = search,
            // The database starts to read here: at the higher of the two bounds.
            IdFrom = string.CompareOrdinal(search, after) > 0 ? search : after,
            IdTo = StoredText.EndOfPrefix(database.Provider, search),
            NameFrom = nameKey,
            NameTo = StoredText.EndOfPrefix(database.Provider, nameKey),
            Limit = query.Limit + 1,
        };
        var rows = await database.ReadAsync(ReadRowsAsync, cancellationToken);
        if (rows.Count <= query.Limit)
        {
            return new Page<ClientView>(rows, null);
        }

        rows.RemoveAt(query.Limit);
        return new Page<ClientView>(rows, rows[^1].ClientId);

        async Task<List<ClientView>> ReadRowsAsync(DbConnection connection)
        {
            var sql = (search, query.Owner) switch
            {
                ("", null) => _sql.Page,
                ("", _) => _sql.PageOfOwner,
                (_, null) => await IsFewAsync(connection, _sql.CountNames) ? _sql.SearchFew : _sql.SearchMany,
                _ => await IsFewAsync(connection, _sql.CountNamesOfOwner) ? _sql.SearchFewOfOwner : _sql.SearchManyOfOwner,
            };
            return await Database.ReadAsync(connection, null, sql, parameters, ReadView, cancellationToken, Database.LongCommandTimeout);
        }

        async Task<bool> IsFewAsync(DbConnection connection, string count) => MaxSortedNames >= await Database.ScalarAsync<int>(
            connection,
            null,
            count,
            new { parameters.Owner, parameters.NameFrom, parameters.NameTo, Limit = MaxSortedNames + 1 },
            cancellationToken);
    }

    /// <summary>How many clients are enabled and may have the scope <c>authcluster:admin</c>.</summary>
    public Task<int> CountEnabledAdminsAsync(CancellationToken cancellationToken = default) =>
        database.ReadAsync(connection => Database.ScalarAsync<int>(connection, null, _admins, null, cancellationToken), cancellationToken);

    /// <summary>Secrets that run out after <paramref name="from"/> and not after <paramref name="to"/>, the soonest first, page by page.</summary>
    /// <param name="from">Past this.</param>
    /// <param name="to">Up to this.</param>
    /// <param name="after">The last of the page before; null for the first page.</param>
    /// <param name="limit">The most to answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<ExpiringSecretRecord>> ExpiringSecretsAsync(
        DateTimeOffset from, DateTimeOffset to, ExpiringSecretRecord? after, int limit, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _expiring,
            new
            {
                From = new StoredTime(after?.ExpiresAt ?? from),
                To = new StoredTime(to),
                // No id is above this one, so that nothing that runs out exactly at the start is answered.
                ClientId = after?.ClientId ?? StoredText.EndOfPrefix(database.Provider, ""),
                SecretId = after?.SecretId ?? "",
                Limit = limit,
            },
            row => new ExpiringSecretRecord(
                row.GetString(0), row.GetString(1), row.TextOrNull(2), row.GetString(3), row.GetBoolean(4), row.Time(5)),
            cancellationToken);

    /// <summary>How the catalogue stores an owner: a long one is cut, and a hash distinguishes it from others with the same beginning.</summary>
    internal static string OwnerKey(string owner)
    {
        if (owner.Length <= MaxOwnerLength)
        {
            return owner;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(owner)));
        var beginning = owner[..(char.IsHighSurrogate(owner[62]) ? 62 : 63)];
        return $"{beginning}#{hash}";
    }

    private static bool IsStorable(string? text) => text is null || StoredText.IsStorable(text);

    private static ClientView ReadView(DbDataReader row) => new()
    {
        ClientId = row.GetString(0),
        DocumentJson = row.GetString(1),
        Enabled = row.GetBoolean(2),
        ETag = row.GetString(3),
        CreatedAt = row.Time(4),
        UpdatedAt = row.Time(5),
        LastUsedAt = row.TimeOrNull(6),
    };
}
