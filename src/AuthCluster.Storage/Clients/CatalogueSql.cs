namespace AuthCluster.Storage.Clients;

/// <summary>
/// The catalogue's page and search queries. Lists are always in the order of the id, so the hard case is a name prefix that many clients share.
/// They are counted first, up to a bound: few are sorted by id; many are found by reading in the order of the ids.
/// </summary>
/// <remarks>Each text names the index that it is written for where the database lets it; a test reads the plans.</remarks>
internal sealed record CatalogueSql
{
    private const string Columns = """
        c.client_id, c.document, c.enabled, c.etag, c.created_at, c.updated_at, u.used_at
        """;

    private const string WithLastUse = """
        left join last_used u on u.client_id = c.client_id and u.kind = 'client' and u.value = ''
        """;

    // SQL Server pads the shorter of two texts with blanks before it compares them. Without the lengths "team " would equal "team", and "Orders"
    // would begin with "Orders ".
    private const string OwnerIsExactly = "owner = @Owner and datalength(owner) = datalength(@Owner) and owner <> N'' and ";

    private const string NameBeginsSo = "name_key >= @NameFrom and name_key < @NameTo and datalength(name_key) >= datalength(@NameFrom)";

    /// <summary>All clients.</summary>
    public required string Page { get; init; }

    /// <summary>The clients of one owner.</summary>
    public required string PageOfOwner { get; init; }

    /// <summary>How many names begin so, counted up to the limit.</summary>
    public required string CountNames { get; init; }

    /// <summary>How many names of one owner begin so, counted up to the limit.</summary>
    public required string CountNamesOfOwner { get; init; }

    /// <summary>Ids or names begin so; the names are few.</summary>
    public required string SearchFew { get; init; }

    /// <summary>Ids or names begin so; the names are many.</summary>
    public required string SearchMany { get; init; }

    /// <summary>Ids or names of one owner begin so; the names are few.</summary>
    public required string SearchFewOfOwner { get; init; }

    /// <summary>Ids or names of one owner begin so; the names are many.</summary>
    public required string SearchManyOfOwner { get; init; }

    public static CatalogueSql Of(StorageProvider provider) => provider switch
    {
        StorageProvider.Sqlite => Sqlite,
        StorageProvider.PostgreSql => PostgreSql,
        _ => SqlServer,
    };

    private static CatalogueSql Sqlite { get; } = new()
    {
        Page = $"""
            select {Columns}
            from client_catalogue c indexed by ix_client_catalogue_page {WithLastUse}
            where c.deleted = 0 and c.client_id > @After
            order by c.client_id limit @Limit
            """,
        PageOfOwner = $"""
            select {Columns}
            from client_catalogue c indexed by ix_client_catalogue_owner_page {WithLastUse}
            where c.deleted = 0 and c.owner = @Owner and c.owner <> '' and c.client_id > @After
            order by c.client_id limit @Limit
            """,
        CountNames = """
            select count(*) from (
                select 1 from client_catalogue indexed by ix_client_catalogue_name
                where deleted = 0 and name_key >= @NameFrom and name_key < @NameTo limit @Limit)
            """,
        CountNamesOfOwner = """
            select count(*) from (
                select 1 from client_catalogue indexed by ix_client_catalogue_owner_name
                where deleted = 0 and owner = @Owner and owner <> '' and name_key >= @NameFrom and name_key < @NameTo limit @Limit)
            """,
        SearchFew = SqliteSearch(
            "ix_client_catalogue_page", "ix_client_catalogue_name", ""),
        SearchMany = SqliteSearch(
            "ix_client_catalogue_page", "ix_client_catalogue_page", ""),
        SearchFewOfOwner = SqliteSearch(
            "ix_client_catalogue_owner_page", "ix_client_catalogue_owner_name", "owner = @Owner and owner <> '' and "),
        SearchManyOfOwner = SqliteSearch(
            "ix_client_catalogue_owner_page", "ix_client_catalogue_owner_page", "owner = @Owner and owner <> '' and "),
    };

    private static CatalogueSql PostgreSql { get; } = new()
    {
        Page = $"""
            select {Columns}
            from client_catalogue c {WithLastUse}
            where not c.deleted and c.client_id > @After
            order by c.client_id limit @Limit
            """,
        PageOfOwner = $"""
            select {Columns}
            from client_catalogue c {WithLastUse}
            where not c.deleted and c.owner = @Owner and c.owner <> '' and c.client_id > @After
            order by c.client_id limit @Limit
            """,
        CountNames = """
            select count(*) from (
                select 1 from client_catalogue
                where not deleted and name_key >= @NameFrom and name_key < @NameTo limit @Limit) as found
            """,
        CountNamesOfOwner = """
            select count(*) from (
                select 1 from client_catalogue
                where not deleted and owner = @Owner and owner <> '' and name_key >= @NameFrom and name_key < @NameTo limit @Limit) as found
            """,
        SearchFew = PostgreSqlSearch(few: true, ""),
        SearchMany = PostgreSqlSearch(few: false, ""),
        SearchFewOfOwner = PostgreSqlSearch(few: true, "owner = @Owner and owner <> '' and "),
        SearchManyOfOwner = PostgreSqlSearch(few: false, "owner = @Owner and owner <> '' and "),
    };

    private static CatalogueSql SqlServer { get; } = new()
    {
        Page = $"""
            select top (@Limit) {Columns}
            from client_catalogue c {WithLastUse}
            where c.deleted = 0 and c.client_id > @After
            order by c.client_id
            """,
        PageOfOwner = $"""
            select top (@Limit) {Columns}
            from client_catalogue c {WithLastUse}
            where c.deleted = 0 and c.owner = @Owner and datalength(c.owner) = datalength(@Owner) and c.owner <> N'' and c.client_id > @After
            order by c.client_id
            """,
        CountNames = $"""
            select count(*) from (
                select top (@Limit) 1 as one from client_catalogue
                where deleted = 0 and {NameBeginsSo}) as found
            """,
        CountNamesOfOwner = $"""
            select count(*) from (
                select top (@Limit) 1 as one from client_catalogue
                where deleted = 0 and {OwnerIsExactly}{NameBeginsSo}) as found
            """,
        SearchFew = SqlServerSearch("ix_client_catalogue_page", "ix_client_catalogue_name", ""),
        SearchMany = SqlServerSearch("ix_client_catalogue_page", "ix_client_catalogue_page", ""),
        SearchFewOfOwner = SqlServerSearch(
            "ix_client_catalogue_owner_page", "ix_client_catalogue_owner_name", OwnerIsExactly),
        SearchManyOfOwner = SqlServerSearch(
            "ix_client_catalogue_owner_page", "ix_client_catalogue_owner_page", OwnerIsExactly),
    };

    // The cross join keeps SQLite from reading all clients in order and checking each against the found ones; the plus keeps it from starting at
    // the lower of two bounds.
    private static string SqliteSearch(string idIndex, string nameIndex, string ownerFilter) => $"""
        select {Columns}
        from (
            select client_id from (
                select client_id from client_catalogue indexed by {idIndex}
                where deleted = 0 and {ownerFilter}client_id >= @IdFrom and client_id < @IdTo and +client_id > @After
                order by client_id limit @Limit)
            union
            select client_id from (
                select client_id from client_catalogue indexed by {nameIndex}
                where deleted = 0 and {ownerFilter}client_id > @After and name_key >= @NameFrom and name_key < @NameTo
                order by client_id limit @Limit)
            order by client_id limit @Limit) found
        cross join client_catalogue c on c.client_id = found.client_id {WithLastUse}
        order by c.client_id
        """;

    // A materialized list is always sorted. Otherwise the planner would sometimes read all ids for a rare name.
    private static string PostgreSqlSearch(bool few, string ownerFilter) => $"""
        with by_id as (
            select client_id from client_catalogue
            where not deleted and {ownerFilter}client_id >= @IdFrom and client_id < @IdTo and client_id > @After
            order by client_id limit @Limit),
        named as {(few ? "materialized" : "not materialized")} (
            select client_id from client_catalogue
            where not deleted and {ownerFilter}client_id > @After and name_key >= @NameFrom and name_key < @NameTo),
        by_name as (select client_id from named order by client_id limit @Limit)
        select {Columns}
        from (select client_id from by_id union select client_id from by_name order by client_id limit @Limit) found
        join client_catalogue c on c.client_id = found.client_id {WithLastUse}
        order by c.client_id
        """;

    private static string SqlServerSearch(string idIndex, string nameIndex, string ownerFilter) => $"""
        select top (@Limit) {Columns}
        from client_catalogue c {WithLastUse}
        where c.client_id in (
            select client_id from (
                select top (@Limit) client_id from client_catalogue with (index ({idIndex}))
                where deleted = 0 and {ownerFilter}client_id >= @IdFrom and client_id < @IdTo and client_id > @After
                    and datalength(client_id) >= datalength(@Search)
                order by client_id) as by_id
            union
            select client_id from (
                select top (@Limit) client_id from client_catalogue with (index ({nameIndex}))
                where deleted = 0 and {ownerFilter}client_id > @After and {NameBeginsSo}
                order by client_id) as by_name)
        order by c.client_id
        """;
}
