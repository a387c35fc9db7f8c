using System.Data.Common;
using AuthCluster.Contracts.Revocation;

namespace AuthCluster.Storage.Revocation;

/// <summary>Revoked tokens, clients and keys: for the clients' grains, and as a feed that APIs read in order.</summary>
/// <remarks>
/// The feed must never skip a row. Two transactions that write at once may commit in another order than they took their
/// numbers in, so a reader who has seen the later number would miss the earlier one. Each database has its own cure:
/// in PostgreSQL writers take turns from their first insert until commit; SQL Server shows only rows below a
/// <c>MIN_ACTIVE_ROWVERSION()</c> that was asked for before them; SQLite has one writer at a time. A cursor also carries the
/// generation floor under which it was given: <c>db restored</c> raises the floor, and every reader starts anew.
/// </remarks>
public sealed class RevocationStore(Database database)
{
    private readonly string _insert = database.Sql(
        others: """
            insert into revocation (kind, client_id, value, gen, expires_at)
            values (@Kind, @ClientId, @Value, @Gen, @ExpiresAt)
            on conflict (client_id, kind, value, gen) do nothing
            """,
        sqlServer: """
            insert into revocation (kind, client_id, value, gen, expires_at)
            select @Kind, @ClientId, @Value, @Gen, @ExpiresAt
            where not exists (
                select 1 from revocation where client_id = @ClientId and kind = @Kind and value = @Value and gen = @Gen)
            """);

    private readonly string _tokens = "select value from revocation where client_id = @ClientId and kind = 'token' and gen = @Gen";

    private readonly string _countTokens = """
        select cast(count(*) as bigint), cast(coalesce(sum(case when expires_at > @Now then 1 else 0 end), 0) as bigint) from revocation
        where client_id = @ClientId and kind = 'token' and gen = @Gen
        """;

    private readonly string _floor = "select floor from generation_floor where id = 1";

    private readonly string _feed = database.Sql(
        others: """
            select kind, value, gen, expires_at, position from revocation
            where position > @Position
            order by position limit @Limit
            """,
        sqlServer: """
            declare @below binary(8) = min_active_rowversion();
            select top (@Limit) kind, value, gen, expires_at, cast(position as bigint) from revocation
            where position > cast(@Position as binary(8)) and position < @below
            order by position
            """);

    private readonly string? _takeTurn = TakeTurn(database);

    private readonly string _sweep = database.Sql(
        sqlite: """
            delete from revocation where position in (
                select position from revocation where expires_at <= @Now order by expires_at limit @Limit)
            """,
        postgreSql: """
            delete from revocation where position in (
                select position from revocation where expires_at <= @Now order by expires_at limit @Limit for update skip locked)
            """,
        sqlServer: "delete top (@Limit) from revocation where expires_at <= @Now");

    /// <summary>Adds revocations that are not there yet.</summary>
    public Task AddAsync(IReadOnlyList<RevocationItem> items, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            (connection, transaction) => AddAsync(connection, transaction, items, cancellationToken),
            cancellationToken);

    /// <summary>
    /// The <c>jti</c>s of a client's revoked tokens of one generation, expired or not: only the sweep decides which have expired, never the
    /// reader's clock. Tokens of an older generation are dead anyway.
    /// </summary>
    /// <param name="clientId">The client.</param>
    /// <param name="gen">The generation in the items of those tokens: a token is dead below it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<string>> TokensAsync(string clientId, long gen, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(_tokens, new { ClientId = clientId, Gen = gen }, row => row.GetString(0), cancellationToken);

    /// <summary>How many tokens <see cref="TokensAsync"/> gives, and how many of them expire after a time.</summary>
    public async Task<(long Stored, long Live)> CountTokensAsync(string clientId, long gen, DateTimeOffset now, CancellationToken cancellationToken = default) =>
        (await database.ReadAsync(
            _countTokens, new { ClientId = clientId, Gen = gen, Now = new StoredTime(now) }, row => (row.GetInt64(0), row.GetInt64(1)), cancellationToken))[0];

    /// <summary>Reads what became visible after a cursor.</summary>
    /// <param name="after">What the page before gave as its next; null, or one that this database did not give, starts at the beginning.</param>
    /// <param name="limit">The most items to answer, at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<RevocationPage> FeedAsync(string? after, int limit, CancellationToken cancellationToken = default) =>
        database.ReadAsync(connection => FeedAsync(connection, after, limit, cancellationToken), cancellationToken);

    private async Task<RevocationPage> FeedAsync(DbConnection connection, string? after, int limit, CancellationToken cancellationToken)
    {
        var floor = await Database.ScalarAsync<long?>(connection, null, _floor, null, cancellationToken) ?? 0;
        var cursor = FeedCursor.Read(after, database.Provider, floor);
        var rows = await Database.ReadAsync(
            connection,
            null,
            _feed,
            new { cursor.Position, Limit = limit },
            row => (Item: ReadRecord(row), Position: row.GetInt64(4)),
            cancellationToken);
        var next = rows.Count == 0 ? cursor : cursor with { Position = rows[^1].Position };
        return new RevocationPage([.. rows.Select(row => row.Item)], next.Write());
    }

    /// <summary>Deletes revocations whose tokens have all expired, at most <paramref name="max"/> of them, and returns how many.</summary>
    public Task<int> SweepAsync(DateTimeOffset now, int max, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_sweep, new { Now = new StoredTime(now), Limit = max }, cancellationToken);

    /// <summary>Adds revocations within a transaction. They come last in it: in PostgreSQL other writers wait from here until commit.</summary>
    internal async Task<int> AddAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<RevocationItem> items, CancellationToken cancellationToken)
    {
        if (items.Count > 0 && _takeTurn is not null)
        {
            await Database.ExecuteAsync(connection, transaction, _takeTurn, null, cancellationToken);
        }

        var added = 0;
        foreach (var item in items)
        {
            added += await Database.ExecuteAsync(
                connection,
                transaction,
                _insert,
                new { Kind = NameOf(item.Kind), item.ClientId, item.Value, item.Gen, ExpiresAt = new StoredTime(item.ExpiresAt) },
                cancellationToken);
        }

        return added;
    }

    /// <summary>
    /// PostgreSQL's turn to write; null for others. The number stands for this purpose in this product, any other would do. A query would have a row, and this
    /// statement has none.
    /// </summary>
    internal static string? TakeTurn(Database database) => database.Provider == StorageProvider.PostgreSql
        ? "do $$ begin perform pg_advisory_xact_lock(7141902035521148); end $$"
        : null;

    private static RevokedRecord ReadRecord(DbDataReader row) =>
        new(KindOf(row.GetString(0)), row.GetString(1), row.GetInt64(2), row.Time(3));

    internal static string NameOf(RevokedKind kind) => kind switch
    {
        RevokedKind.Token => "token",
        RevokedKind.Client => "client",
        RevokedKind.Key => "key",
        RevokedKind.All => "all",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static RevokedKind KindOf(string name) => name switch
    {
        "token" => RevokedKind.Token,
        "client" => RevokedKind.Client,
        "key" => RevokedKind.Key,
        "all" => RevokedKind.All,
        _ => throw new InvalidDataException($"The table revocation holds the unknown kind {name}."),
    };
}
