using AuthCluster.Storage;
using AuthCluster.Storage.Clients;

namespace AuthCluster.StorageTests.Clients;

/// <summary>Every list and search of the catalogue uses an index and never reads the whole table.</summary>
public sealed class CataloguePlanTests
{
    private const int Clients = 20_000;

    // A window of ids, names and pages somewhere in the middle, as a request would have it.
    private static readonly object Parameters = new
    {
        After = "a-8",
        Owner = "team-7",
        Search = "a-80",
        IdFrom = "a-80",
        IdTo = "a-81",
        NameFrom = "ZULU 01",
        NameTo = "ZULU 02",
        Limit = 101,
    };

    [Theory]
    [InlineData(nameof(CatalogueSql.Page), "ix_client_catalogue_page")]
    [InlineData(nameof(CatalogueSql.PageOfOwner), "ix_client_catalogue_owner_page")]
    [InlineData(nameof(CatalogueSql.CountNames), "ix_client_catalogue_name")]
    [InlineData(nameof(CatalogueSql.CountNamesOfOwner), "ix_client_catalogue_owner_name")]
    [InlineData(nameof(CatalogueSql.SearchFew), "ix_client_catalogue_page", "ix_client_catalogue_name")]
    [InlineData(nameof(CatalogueSql.SearchMany), "ix_client_catalogue_page")]
    [InlineData(nameof(CatalogueSql.SearchFewOfOwner), "ix_client_catalogue_owner_page", "ix_client_catalogue_owner_name")]
    [InlineData(nameof(CatalogueSql.SearchManyOfOwner), "ix_client_catalogue_owner_page")]
    public async Task SQLite_searches_the_index_that_the_query_was_written_for(string query, params string[] indexes)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);

        var plan = await PlanAsync(under, "explain query plan ", query, row => row.GetString(3));

        Assert.All(indexes, index => Assert.Contains(plan, step => step.StartsWith("SEARCH ", StringComparison.Ordinal) && step.Contains($"INDEX {index} (", StringComparison.Ordinal)));
        Assert.DoesNotContain(plan, step => step.StartsWith("SCAN c", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(nameof(CatalogueSql.Page))]
    [InlineData(nameof(CatalogueSql.PageOfOwner))]
    [InlineData(nameof(CatalogueSql.CountNames))]
    [InlineData(nameof(CatalogueSql.CountNamesOfOwner))]
    [InlineData(nameof(CatalogueSql.SearchFew))]
    [InlineData(nameof(CatalogueSql.SearchMany))]
    [InlineData(nameof(CatalogueSql.SearchFewOfOwner))]
    [InlineData(nameof(CatalogueSql.SearchManyOfOwner))]
    public async Task PostgreSQL_goes_through_an_index(string query)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        // With few rows the planner rightly reads them all.
        await CatalogueFilling.FillAsync(under, Clients);

        var plan = await PlanAsync(under, "explain ", query, row => row.GetString(0));

        Assert.Contains(plan, step => step.Contains("Index", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, step => step.Contains("Seq Scan on client_catalogue", StringComparison.Ordinal));
    }

    private static Task<List<string>> PlanAsync(DatabaseUnderTest under, string explain, string query, Func<System.Data.Common.DbDataReader, string> step)
    {
        var sql = (string)typeof(CatalogueSql).GetProperty(query)!.GetValue(CatalogueSql.Of(under.Database.Provider))!;
        return under.Database.ReadAsync(explain + sql, Parameters, step, TestContext.Current.CancellationToken);
    }
}
