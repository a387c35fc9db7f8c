using System.Data.Common;
using System.Globalization;
using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Admin;

/// <summary>The audit: entries are added with the change that they record, read page by page, and never changed.</summary>
public sealed class AuditStore(Database database)
{
    // What the columns hold.
    internal const int MaxActorLength = 200;
    internal const int MaxTargetLength = 300;
    internal const int MaxRemoteAddressLength = 64;
    internal const int MaxRequestIdLength = 128;

    private const string Columns = "audit_id, occurred_at, actor, action, target, remote_address, request_id, before_json, after_json";

    private static readonly (DateTimeOffset Time, string Id) Newest =
        (StoredTime.FromMicroseconds(new StoredTime(DateTimeOffset.MaxValue).Microseconds), "");

    private readonly string _insert = InsertWhere(database, "1 = 1");

    private readonly string _contains = "select 1 from audit where audit_id = @AuditId";

    private readonly string _page = database.Sql(
        others: $"""
            select {Columns} from audit
            where (occurred_at, audit_id) < (@Time, @Id)
            order by occurred_at desc, audit_id desc limit @Limit
            """,
        sqlServer: $"""
            select top (@Limit) {Columns} from audit
            where occurred_at <= @Time and (occurred_at < @Time or audit_id < @Id)
            order by occurred_at desc, audit_id desc
            """);

    private readonly string _pageOfClient = database.Sql(
        others: $"""
            select {Columns} from audit
            where client_id = @ClientId and client_id <> '' and (occurred_at, audit_id) < (@Time, @Id)
            order by occurred_at desc, audit_id desc limit @Limit
            """,
        sqlServer: $"""
            select top (@Limit) {Columns} from audit
            where client_id = @ClientId and client_id <> N'' and occurred_at <= @Time and (occurred_at < @Time or audit_id < @Id)
            order by occurred_at desc, audit_id desc
            """);

    /// <summary>Reads a page, newest first.</summary>
    /// <param name="clientId">Only what was done to this client and its secrets; null for everything.</param>
    /// <param name="after">What the page before gave as its next; null starts at the newest.</param>
    /// <param name="limit">The most entries to answer, at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="FormatException">No page gave that as its next; see <see cref="IsNext"/>.</exception>
    public async Task<Page<AuditRecord>> PageAsync(string? clientId, string? after, int limit, CancellationToken cancellationToken = default)
    {
        var (time, id) = after is null ? Newest
            : ReadCursor(after) ?? throw new FormatException("The text is nothing that a page of the audit gives as its next.");
        if (clientId is not null && !StoredText.IsStorable(clientId))
        {
            return new Page<AuditRecord>([], null);
        }

        var rows = await database.ReadAsync(
            clientId is null ? _page : _pageOfClient,
            new { ClientId = clientId ?? "", Time = new StoredTime(time), Id = id, Limit = limit + 1 },
            ReadRecord,
            cancellationToken,
            Database.LongCommandTimeout);
        if (rows.Count <= limit)
        {
            return new Page<AuditRecord>(rows, null);
        }

        rows.RemoveAt(limit);
        return new Page<AuditRecord>(rows, WriteCursor(rows[^1]));
    }

    /// <summary>Whether the audit has an entry: if so, its change was made.</summary>
    public async Task<bool> IsAuditedAsync(string auditId, CancellationToken cancellationToken = default) =>
        (await database.ReadAsync(_contains, new { AuditId = auditId }, row => row.GetInt32(0), cancellationToken)).Count > 0;

    /// <summary>Whether a text has the form of what a page gives as its next.</summary>
    public static bool IsNext(string text) => ReadCursor(text) is not null;

    /// <summary>Adds entries that are not there yet. Returns how many were new.</summary>
    internal async Task<int> AddAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken)
    {
        var added = 0;
        foreach (var entry in entries)
        {
            added += await Database.ExecuteAsync(
                connection,
                transaction,
                _insert,
                ParametersOf(entry),
                cancellationToken);
        }

        return added;
    }

    /// <summary>Adds an entry that is not there yet, under a condition: a statement for <see cref="Database.AtOnce"/>.</summary>
    internal static string InsertWhere(Database database, string condition) => database.Sql(
        others: $"""
            insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json)
            select @AuditId, @At, @Actor, @Action, @Target, @ClientId, @RemoteAddress, @RequestId, @BeforeJson, @AfterJson
            where {condition}
            on conflict (audit_id) do nothing
            """,
        sqlServer: $"""
            insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json)
            select @AuditId, @At, @Actor, @Action, @Target, @ClientId, @RemoteAddress, @RequestId, @BeforeJson, @AfterJson
            where {condition} and not exists (select 1 from audit where audit_id = @AuditId)
            """);

    /// <summary>The parameters of <see cref="InsertWhere"/>.</summary>
    internal static object ParametersOf(AuditEntry entry) => new
    {
        entry.Record.AuditId,
        At = new StoredTime(entry.Record.At),
        Actor = StoredText.Fit(entry.Record.Actor, MaxActorLength),
        entry.Record.Action,
        Target = StoredText.Fit(entry.Record.Target, MaxTargetLength),
        entry.ClientId,
        RemoteAddress = StoredText.Fit(entry.Record.RemoteAddress, MaxRemoteAddressLength),
        RequestId = StoredText.Fit(entry.Record.RequestId, MaxRequestIdLength),
        entry.Record.BeforeJson,
        entry.Record.AfterJson,
    };

    private static AuditRecord ReadRecord(DbDataReader row) => new()
    {
        AuditId = row.GetString(0),
        At = row.Time(1),
        Actor = row.GetString(2),
        Action = row.GetString(3),
        Target = row.GetString(4),
        RemoteAddress = row.GetString(5),
        RequestId = row.GetString(6),
        BeforeJson = row.TextOrNull(7),
        AfterJson = row.TextOrNull(8),
    };

    private static string WriteCursor(AuditRecord last) =>
        string.Create(CultureInfo.InvariantCulture, $"{new StoredTime(last.At).Microseconds}.{last.AuditId}");

    /// <summary>Null for a text that no page gave.</summary>
    private static (DateTimeOffset Time, string Id)? ReadCursor(string cursor)
    {
        var dot = cursor.IndexOf('.', StringComparison.Ordinal);
        return dot > 0
            && StoredText.IsStorable(cursor)
            && long.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds <= new StoredTime(DateTimeOffset.MaxValue).Microseconds
            ? (StoredTime.FromMicroseconds(microseconds), cursor[(dot + 1)..])
            : null;
    }
}
