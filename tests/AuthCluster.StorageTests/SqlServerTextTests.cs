using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Microsoft.SqlServer.TransactSql.ScriptDom;
using Orleans.Storage;

namespace AuthCluster.StorageTests;

/// <summary>Where SQL Server differs, by its settings and collations, from the databases that a developer has at hand.</summary>
public sealed partial class SqlServerTextTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void A_statement_whose_rows_are_counted_turns_counting_on_only_for_sql_server()
    {
        using var sqlServer = new SqlConnection();
        using var sqlite = new SqliteConnection();

        Assert.Equal("set nocount off;\ndelete from audit", Database.Counted(sqlServer, "delete from audit"));
        Assert.Equal("delete from audit", Database.Counted(sqlite, "delete from audit"));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Rows_are_counted_in_a_session_that_counts_none(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var connection = await under.Database.OpenAsync(Cancel);
        if (provider == StorageProvider.SqlServer)
        {
            await using var off = connection.CreateCommand();
            off.CommandText = "set nocount on";
            await off.ExecuteNonQueryAsync(Cancel);
        }

        Assert.Equal(1, await Database.ExecuteAsync(connection, null, "insert into pepper (pepper_id, wrapped_value, created_at) values (@Id, @Value, @At)", new { Id = "p", Value = new byte[] { 1 }, At = new StoredTime(Samples.Now) }, Cancel));
        Assert.Equal(0, await Database.ExecuteAsync(connection, null, "delete from pepper where pepper_id = @Id", new { Id = "q" }, Cancel));
    }

    [Fact]
    public void The_queries_of_orleans_answer_by_rows_and_not_by_a_row_count()
    {
        foreach (var (name, text) in QueryTexts())
        {
            Assert.True(
                !Changes().IsMatch(text) || text.TrimStart().StartsWith("set nocount on;", StringComparison.Ordinal),
                $"{name} changes rows, and counts them.");
        }
    }

    /// <summary>In a database with a case-sensitive collation a second spelling is another name.</summary>
    [Fact]
    public void Every_table_and_column_is_spelled_in_one_way()
    {
        var names = new Names();
        foreach (var (_, text) in Scripts.Of(StorageProvider.SqlServer).Concat(QueryTexts()).Concat(StoreTexts.Of(StorageProvider.SqlServer)))
        {
            using var reader = new StringReader(text);
            new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out _).Accept(names);
        }

        Assert.Contains("client_catalogue", names.Found);
        Assert.Contains("wrapped_private_key", names.Found);
        Assert.All(names.Found.GroupBy(name => name, StringComparer.OrdinalIgnoreCase), spellings => Assert.Single(spellings));
    }

    [Fact]
    public void Orleans_finds_its_texts_by_its_own_spelling()
    {
        var asked = UserStringsOf(typeof(AdoNetGrainStorage).Assembly.Location)
            .Concat(UserStringsOf(typeof(Orleans.Configuration.AdoNetClusteringSiloOptions).Assembly.Location))
            .Select(text => AskedFor().Match(text))
            .Where(match => match.Success)
            .Select(match => $"create view {match.Groups["table"].Value} ({match.Groups["columns"].Value}) ")
            .Distinct(StringComparer.Ordinal);

        var view = Assert.Single(asked);

        Assert.Contains(Scripts.Of(StorageProvider.SqlServer), script => script.Text.Contains(view, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(StorageProvider.Sqlite)]
    [InlineData(StorageProvider.PostgreSql)]
    [InlineData(StorageProvider.SqlServer)]
    public void Every_list_goes_on_after_the_last_id_itself(StorageProvider provider)
    {
        var sql = CatalogueSql.Of(provider);

        Assert.All([sql.Page, sql.PageOfOwner], text => Assert.Single(GoesOn().Matches(text)));
        Assert.All([sql.SearchFew, sql.SearchMany, sql.SearchFewOfOwner, sql.SearchManyOfOwner], text => Assert.Equal(2, GoesOn().Count(text)));
    }

    [Fact]
    public void Every_script_can_run_within_a_transaction()
    {
        foreach (var (name, text) in Scripts.Of(StorageProvider.SqlServer))
        {
            using var reader = new StringReader(text);
            var statements = new Statements();
            new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out _).Accept(statements);
            Assert.True(statements.Forbidden.Count == 0, $"{name}: {string.Join(", ", statements.Forbidden)}");
        }

        foreach (var provider in new[] { StorageProvider.Sqlite, StorageProvider.PostgreSql })
        {
            foreach (var (name, text) in Scripts.Of(provider))
            {
                var outside = NotWithinTransaction().Match(LiteralOrComment().Replace(text, ""));
                Assert.False(outside.Success, $"{provider}, {name}: {outside.Value}");
            }
        }
    }

    /// <summary>Without the setting, SQL Server goes on after most failures, and commits the rest.</summary>
    [Fact]
    public void Statements_that_are_sent_at_once_are_one_transaction_that_the_first_failure_ends()
    {
        var atOnce = StoreTexts.Of(StorageProvider.SqlServer).Where(text => text.Text.Contains("begin transaction", StringComparison.Ordinal)).ToList();

        Assert.Equal(["FenceStore.vouchEnded", "GenerationFloorStore.raise"], atOnce.Select(text => text.Name).Order(StringComparer.Ordinal));
        foreach (var (name, text) in atOnce)
        {
            using var reader = new StringReader(text);
            var batch = Assert.Single(((TSqlScript)new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out _)).Batches);
            Assert.True(batch.Statements[0] is PredicateSetStatement { Options: SetOptions.XactAbort, IsOn: true }, name);
            Assert.Equal(
                [nameof(BeginTransactionStatement), nameof(CommitTransactionStatement)],
                batch.Statements.OfType<TransactionStatement>().Select(statement => statement.GetType().Name));
            Assert.IsType<BeginTransactionStatement>(batch.Statements[1]);
            Assert.IsType<CommitTransactionStatement>(batch.Statements[^1]);
            // The query is the only one with rows, so that its rows are the first that the driver finds.
            Assert.IsType<SelectStatement>(batch.Statements[^2]);
            Assert.Single(batch.Statements.OfType<SelectStatement>());
        }
    }

    [Theory]
    [InlineData("select 1;\ngo\nselect 2;\nGO \n\nselect 3;\r\n  Go\r\n")]
    [InlineData("select 1 as go;\nselect 2 as [gone];")]
    [InlineData("go\n\ngo\nselect 1;")]
    public void A_script_is_split_into_batches_as_sql_server_s_own_tools_do(string script)
    {
        using var reader = new StringReader(script);
        var batches = ((TSqlScript)new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out var errors)).Batches;
        Assert.Empty(errors);

        var split = Migrator.BatchesOf(StorageProvider.SqlServer, script);

        Assert.Equal(
            batches.Where(batch => batch.Statements.Count > 0).Select(batch => script.Substring(batch.StartOffset, batch.FragmentLength).Trim()),
            split.Select(batch => batch.Trim()));
    }

    private static IEnumerable<(string Name, string Text)> QueryTexts() => Scripts.Of(StorageProvider.SqlServer)
        .SelectMany(script => QueryText().Matches(script.Text))
        .Select(query => (query.Groups["key"].Value, query.Groups["text"].Value.Replace("''", "'", StringComparison.Ordinal)));

    private static List<string> UserStringsOf(string assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var metadata = file.GetMetadataReader();
        var texts = new List<string>();
        for (var handle = MetadataTokens.UserStringHandle(1); !handle.IsNil; handle = metadata.GetNextHandle(handle))
        {
            texts.Add(metadata.GetUserString(handle));
        }

        return texts;
    }

    [GeneratedRegex(@"\(N'(?<key>\w+Key)', N'(?<text>(?:[^']|'')*)'\)")]
    private static partial Regex QueryText();

    [GeneratedRegex(@"\b(insert into|update|delete from)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Changes();

    [GeneratedRegex("SELECT (?<columns>QueryKey, QueryText) FROM (?<table>OrleansQuery)", RegexOptions.IgnoreCase)]
    private static partial Regex AskedFor();

    [GeneratedRegex("client_id > @After")]
    private static partial Regex GoesOn();

    // A function's body stands between dollar signs, and a trigger's body between begin and end: neither begins a transaction.
    [GeneratedRegex(@"\$\$[^$]*\$\$|'(?:[^']|'')*'|--[^\n]*|^begin$", RegexOptions.Multiline)]
    private static partial Regex LiteralOrComment();

    [GeneratedRegex(@"\b(begin|start|commit|rollback|vacuum|pragma(?!\s+writable_schema)|attach|concurrently|tablespace|alter\s+system|(create|drop|alter)\s+database)\b", RegexOptions.IgnoreCase)]
    private static partial Regex NotWithinTransaction();

    /// <summary>The names of tables, types and columns, without the aliases of result columns.</summary>
    private sealed class Names : TSqlFragmentVisitor
    {
        public HashSet<string> Found { get; } = new(StringComparer.Ordinal);

        public override void Visit(SchemaObjectName node) => Found.Add(node.BaseIdentifier.Value);

        public override void Visit(ColumnDefinition node) => Found.Add(node.ColumnIdentifier.Value);

        public override void Visit(ColumnReferenceExpression node)
        {
            if (node.MultiPartIdentifier is { Identifiers: [.., var column] })
            {
                Found.Add(column.Value);
            }
        }
    }

    /// <summary>The statements that SQL Server refuses within a transaction, and those that would end it.</summary>
    private sealed class Statements : TSqlFragmentVisitor
    {
        private static readonly string[] Refused = ["Database", "Backup", "Restore", "Reconfigure", "FullText", "Transaction", "Checkpoint", "Kill"];

        public List<string> Forbidden { get; } = [];

        public override void Visit(TSqlStatement node)
        {
            var name = node.GetType().Name;
            if (Refused.Any(word => name.Contains(word, StringComparison.Ordinal)))
            {
                Forbidden.Add(name);
            }
        }
    }
}
