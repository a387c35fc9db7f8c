using System.Reflection;
using System.Text.RegularExpressions;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Cluster;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace AuthCluster.StorageTests;

/// <summary>What can be said of the scripts and query texts without running them.</summary>
public sealed partial class ScriptTests
{
    /// <summary>Membership is for databases that silos share.</summary>
    private static readonly string[] SharedOnly = ["0002_create_membership", "0017_stamp_silo_deaths"];

    public static TheoryData<StorageProvider> Three => [StorageProvider.Sqlite, StorageProvider.PostgreSql, StorageProvider.SqlServer];

    public static TheoryData<string, string> SqlServerTexts
    {
        get
        {
            var texts = new TheoryData<string, string>();
            foreach (var (name, text) in Scripts.Of(StorageProvider.SqlServer))
            {
                texts.Add(name, text);
                foreach (Match query in QueryText().Matches(text))
                {
                    texts.Add(query.Groups["key"].Value, query.Groups["text"].Value.Replace("''", "'", StringComparison.Ordinal));
                }
            }

            foreach (var (name, text) in StoreTexts.Of(StorageProvider.SqlServer))
            {
                texts.Add(name, text);
            }

            return texts;
        }
    }

    [Theory]
    [MemberData(nameof(SqlServerTexts))]
    public void Sql_server_can_parse_every_script_and_every_text_of_a_store(string name, string text)
    {
        using var reader = new StringReader(text);

        new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out var errors);

        Assert.True(errors.Count == 0, $"{name}: {string.Join("; ", errors.Select(error => $"line {error.Line}: {error.Message}"))}");
    }

    [Fact]
    public void The_three_databases_have_scripts_of_the_same_names()
    {
        var shared = Scripts.Of(StorageProvider.PostgreSql).Select(script => script.Name).ToList();

        Assert.Equal(shared, Scripts.Of(StorageProvider.SqlServer).Select(script => script.Name));
        Assert.Equal(shared.Except(SharedOnly), Scripts.Of(StorageProvider.Sqlite).Select(script => script.Name));
    }

    [Theory]
    [MemberData(nameof(Three))]
    public void Every_script_is_named_by_the_rule_begins_with_its_purpose_and_journals_itself(StorageProvider provider)
    {
        foreach (var (name, text) in Scripts.Of(provider))
        {
            Assert.Matches("^[0-9]{4}_[a-z]+(_[a-z]+)+$", name);
            Assert.StartsWith("-- Purpose: ", text, StringComparison.Ordinal);
            Assert.Contains("-- Rows: ", text, StringComparison.Ordinal);
            Assert.Contains("-- Indexes: ", text.Replace("Indexes:\n", "Indexes: \n", StringComparison.Ordinal), StringComparison.Ordinal);
            var last = text.TrimEnd().Split('\n')[^1];
            Assert.StartsWith("insert into schema_version ", last, StringComparison.Ordinal);
            Assert.Contains($"'{name}'", last, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Sql_servers_scripts_say_what_happens_when_two_run_at_once() =>
        Assert.All(Scripts.Of(StorageProvider.SqlServer), script => Assert.Contains("-- Two at once: ", script.Text, StringComparison.Ordinal));

    [Fact]
    public void Sql_servers_scripts_first_turn_on_what_their_indexes_need_and_what_ends_them_at_the_first_failure() =>
        Assert.All(Scripts.Of(StorageProvider.SqlServer), script => Assert.Equal(
            "set quoted_identifier on; set ansi_nulls on; set xact_abort on;",
            script.Text.Split('\n').First(line => line.Length > 0 && !line.StartsWith("--", StringComparison.Ordinal))));

    [Fact]
    public void The_three_databases_have_the_same_tables_and_columns()
    {
        var postgreSql = ColumnsOf(StorageProvider.PostgreSql);

        Assert.Equal(postgreSql, ColumnsOf(StorageProvider.SqlServer));
        Assert.Equal(
            postgreSql.Where(column => !column.StartsWith("orleans_membership", StringComparison.Ordinal)),
            ColumnsOf(StorageProvider.Sqlite));
    }

    [Fact]
    public void Texts_are_ordered_by_their_bytes_in_every_key_and_index()
    {
        // SQLite compares bytes unless told otherwise.
        Assert.DoesNotContain(Scripts.Of(StorageProvider.Sqlite), script => script.Text.Contains("collate", StringComparison.OrdinalIgnoreCase));
        foreach (var provider in new[] { StorageProvider.PostgreSql, StorageProvider.SqlServer })
        {
            var plain = Scripts.Of(provider)
                .SelectMany(script => PlainText().Matches(script.Text))
                .Select(match => match.Groups["column"].Value)
                .ToHashSet(StringComparer.Ordinal);
            Assert.Subset(
                new HashSet<string>(["querytext", "name", "document", "label", "before_json", "after_json", "suspect_times"], StringComparer.Ordinal),
                plain);
        }
    }

    private static List<string> ColumnsOf(StorageProvider provider) =>
    [
        .. Scripts.Of(provider)
            .SelectMany(script => Table().Matches(script.Text).Concat(WidenedTable().Matches(script.Text)))
            .SelectMany(table => Column().Matches(table.Groups["body"].Value)
                .Select(column => $"{table.Groups["name"].Value}.{column.Groups["name"].Value}"))
            .Order(StringComparer.Ordinal),
    ];

    [GeneratedRegex(@"\(N'(?<key>\w+Key)', N'(?<text>(?:[^']|'')*)'\)")]
    private static partial Regex QueryText();

    [GeneratedRegex(@"^create table (if not exists )?(?<name>\w+)\n\((?<body>.*?)\n\)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Table();

    [GeneratedRegex(@"^alter table (?<name>\w+)( add)?\n(?<body>.*?);\n", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex WidenedTable();

    [GeneratedRegex(@"^    (?!constraint |add constraint |drop constraint |alter column |--)(add column )?(?<name>\w+) ", RegexOptions.Multiline)]
    private static partial Regex Column();

    [GeneratedRegex(@"^    (?<column>\w+) (text|nvarchar\(\w+\)) (?!collate)", RegexOptions.Multiline)]
    private static partial Regex PlainText();
}

/// <summary>The SQL texts of the stores.</summary>
internal static class StoreTexts
{
    private static readonly string[] ConnectionStrings = ["Data Source=/nowhere/x.db", "Host=nowhere.invalid", "Server=nowhere.invalid"];

    /// <summary>
    /// All SQL texts, each named by its class and field: the fields of the stores and of other objects that are made for a database, and
    /// the constants whose own name or whose class's name begins with the kind of database.
    /// </summary>
    public static IEnumerable<(string Name, string Text)> Of(StorageProvider provider)
    {
        var database = new Database(provider, ConnectionStrings[(int)provider]);
        object[] holders =
        [
            .. typeof(Database).Assembly.GetTypes()
                .Where(type => type.Name.EndsWith("Store", StringComparison.Ordinal) && type != typeof(FenceStore))
                .Select(type => Activator.CreateInstance(type, database)!),
            new FenceStore(database, "authcluster"), new RestoredDatabase(database), DatabaseUnderTest.MigratorOf(database), CatalogueSql.Of(provider),
        ];
        var ofHolders = holders.SelectMany(holder => holder.GetType()
            .GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
            .Where(field => field.FieldType == typeof(string))
            .Select(field => (Field: field, Text: (string?)field.GetValue(holder))));
        var constants = typeof(Database).Assembly.GetTypes().SelectMany(type => type
            .GetFields(BindingFlags.Static | BindingFlags.NonPublic)
            .Where(field => field.IsLiteral && field.FieldType == typeof(string))
            .Where(field => field.Name.StartsWith($"{provider}", StringComparison.Ordinal) || type.Name.StartsWith($"{provider}", StringComparison.Ordinal))
            .Select(field => (Field: field, Text: (string?)field.GetRawConstantValue())));
        return ofHolders.Concat(constants)
            .Where(found => found.Text is not null && found.Text.Contains(' ', StringComparison.Ordinal))
            .Select(found => ($"{found.Field.DeclaringType!.Name}.{found.Field.Name.Trim('<', '_')}", found.Text!));
    }

    /// <summary>One text of a store.</summary>
    public static string Get(object holder, string field) =>
        (string)holder.GetType().GetField(field, BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(holder)!;
}
