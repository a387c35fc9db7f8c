using AuthCluster.Contracts.Admin;
using AuthCluster.Storage;

namespace AuthCluster.StorageTests;

/// <summary>Fills a catalogue in ways that are hard to search.</summary>
/// <remarks>
/// Clients 0 … n−1. Nine of ten have ids that begin with <c>a-</c>, random otherwise, and names that all begin alike; the last tenth has
/// ids that begin with <c>z-</c> and names of its own: a query that looks for these clients by going through the ids meets them last.
/// One owner has half of all clients, a thousand teams share the rest.
/// </remarks>
internal static class CatalogueFilling
{
    private static readonly string Document = "{\"clientId\":\"x\",\"name\":\"y\",\"metadata\":{\"text\":\"" + new string('d', 900) + "\"}}";

    public static (string What, ListClientsQuery Query)[] Queries { get; } =
    [
        ("first page", new(null, null, null, 100)),
        ("a page of 1,000 from the middle", new(null, null, "a-8", 1000)),
        ("the last page", new(null, null, "z-fffff", 100)),
        ("owner with half of all", new(null, "platform", null, 100)),
        ("owner with half of all, late", new(null, "platform", "a-fff", 100)),
        ("owner with few", new(null, "team-7", null, 1000)),
        ("id, exact beginning", new("a-12345", null, null, 100)),
        ("id or name, all but a tenth", new("a", null, null, 100)),
        ("name of most (client)", new("client", null, null, 1000)),
        ("name of most, other case, late page", new("CLIENT 0", null, "a-e", 100)),
        ("name of a tenth, at the end of the ids (zulu)", new("zulu", null, null, 100)),
        ("name of a tenth, page of 1,000", new("zulu", null, null, 1000)),
        ("name of a hundredth, at the end of the ids (zulu 1)", new("zulu 01", null, null, 100)),
        ("name of few", new("client 012345", null, null, 100)),
        ("name of none", new("nothing", null, null, 100)),
        ("name of most, owner with half", new("client", "platform", null, 100)),
        ("name of a tenth, owner with half", new("zulu", "platform", null, 100)),
        ("name that is another owner's (none)", new("zulu", "team-7", null, 100)),
        ("name of most, owner with few", new("client", "team-7", null, 100)),
    ];

    public static async Task FillAsync(DatabaseUnderTest under, int clients)
    {
        var isZulu = $"n >= {clients - (clients / 10)}";
        await under.ExecuteAsync(under.Database.Provider switch
        {
            StorageProvider.Sqlite => $"""
                pragma cache_size = -400000;
                insert into client_catalogue
                    (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
                with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < {clients - 1})
                select
                    case when {isZulu} then 'z-' else 'a-' end || printf('%08x', (n * 2654435761) & 0xffffffff) || n,
                    case when {isZulu} then 'Zulu ' else 'Client ' end || printf('%07d', n),
                    case when {isZulu} then 'ZULU ' else 'CLIENT ' end || printf('%07d', n),
                    case when n % 2 = 0 then 'platform' else 'team-' || (n % 1000) end,
                    1, 0, 0, '{Document}', 'e1', 1, 0, 0
                from numbers
                """,
            StorageProvider.PostgreSql => $"""
                insert into client_catalogue
                    (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
                select
                    case when {isZulu} then 'z-' else 'a-' end || lpad(to_hex((n * 2654435761) & 4294967295), 8, '0') || n,
                    case when {isZulu} then 'Zulu ' else 'Client ' end || lpad(n::text, 7, '0'),
                    case when {isZulu} then 'ZULU ' else 'CLIENT ' end || lpad(n::text, 7, '0'),
                    case when n % 2 = 0 then 'platform' else 'team-' || (n % 1000) end,
                    true, false, false, '{Document}', 'e1', 1, now(), now()
                from generate_series(0::bigint, {clients - 1}) n
                """,
            _ => $"""
                insert into client_catalogue
                    (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
                select
                    concat(case when {isZulu} then 'z-' else 'a-' end, lower(convert(char(8), cast((n * 2654435761) % 4294967296 as varbinary(4)), 2)), n),
                    concat(case when {isZulu} then 'Zulu ' else 'Client ' end, format(n, '0000000')),
                    concat(case when {isZulu} then 'ZULU ' else 'CLIENT ' end, format(n, '0000000')),
                    case when n % 2 = 0 then 'platform' else concat('team-', n % 1000) end,
                    1, 0, 0, '{Document}', 'e1', 1, sysutcdatetime(), sysutcdatetime()
                from (
                    select top ({clients}) cast(row_number() over (order by a.object_id) - 1 as bigint) as n
                    from sys.all_objects a cross join sys.all_objects b) as numbers
                """,
        });
        if (under.Database.Provider == StorageProvider.PostgreSql)
        {
            // PostgreSQL's autovacuum does the same within a minute.
            await under.ExecuteAsync("vacuum analyze client_catalogue");
        }
    }
}
