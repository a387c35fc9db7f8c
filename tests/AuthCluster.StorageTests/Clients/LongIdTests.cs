using System.Text.RegularExpressions;
using AuthCluster.Storage;

namespace AuthCluster.StorageTests.Clients;

/// <summary>A client id may have 200 characters, in every table that holds one, in a new database and in one that was made for ids of 128.</summary>
public sealed partial class LongIdTests
{
    private const string Widening = "0015_widen_client_ids";

    private static readonly string LongId = "sp-x!b1|" + new string('y', 192);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Every_table_takes_a_client_id_of_200_characters_and_none_takes_more(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        foreach (var (table, insert) in Inserts(provider))
        {
            await under.ExecuteAsync(insert, new { Id = LongId });
            Assert.Equal(1, Assert.Single(await under.QueryAsync<int>($"select count(*) from {table}")));
            await Assert.ThrowsAnyAsync<Exception>(() => under.ExecuteAsync(insert, new { Id = LongId + new string('z', 20) }));
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_database_that_was_made_for_shorter_ids_keeps_its_rows_and_takes_long_ids(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, migrate: false);
        foreach (var (_, text) in Scripts.Of(provider).TakeWhile(script => script.Name != Widening))
        {
            await under.ExecuteAsync(text);
        }

        foreach (var (_, insert) in Inserts(provider))
        {
            await under.ExecuteAsync(insert, new { Id = "old" });
            await Assert.ThrowsAnyAsync<Exception>(() => under.ExecuteAsync(insert, new { Id = LongId }));
        }

        Assert.Contains(Widening, await DatabaseUnderTest.MigratorOf(under.Database).MigrateAsync(Cancel));

        foreach (var (table, insert) in Inserts(provider))
        {
            await under.ExecuteAsync(insert, new { Id = LongId });
            Assert.Equal(2, Assert.Single(await under.QueryAsync<int>($"select count(*) from {table}")));
        }

        if (provider == StorageProvider.Sqlite)
        {
            Assert.Equal(["ok"], await under.QueryAsync<string>("pragma integrity_check"));
        }
    }

    [Fact]
    public void No_script_of_any_database_leaves_a_column_of_client_ids_at_128()
    {
        foreach (var provider in Enum.GetValues<StorageProvider>())
        {
            var scripts = Scripts.Of(provider);
            var last = scripts.Single(script => script.Name == Widening).Text;
            foreach (var (name, text) in scripts)
            {
                foreach (Match table in NarrowTable().Matches(text))
                {
                    Assert.True(
                        string.CompareOrdinal(name, Widening) < 0 && (provider == StorageProvider.Sqlite || last.Contains($"alter table {table.Groups["name"].Value}", StringComparison.Ordinal)),
                        $"{provider}: {name} makes {table.Groups["name"].Value} for ids of 128 characters");
                }
            }
        }
    }

    /// <summary>A row for each table that holds a client id, or a grain's key that is made of one.</summary>
    private static IEnumerable<(string Table, string Insert)> Inserts(StorageProvider provider)
    {
        var (now, no, hash) = provider switch
        {
            StorageProvider.Sqlite => ("0", "0", "randomblob(32)"),
            StorageProvider.PostgreSql => ("now()", "false", "sha256(convert_to(@Id, 'UTF8'))"),
            _ => ("sysutcdatetime()", "0", "cast(hashbytes('SHA2_256', @Id) as binary(32))"),
        };
        yield return ("audit", $"insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id) values (substring(@Id, 1, 60), {now}, @Id, 'x', @Id, @Id, '', '')");
        yield return ("client_catalogue", $"insert into client_catalogue (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at) values (@Id, 'n', 'N', '', {no}, {no}, {no}, '', 'e', 1, {now}, {now})");
        yield return ("client_part", $"insert into client_part (client_id, kind, value, created_at) values (@Id, 'client', '', {now})");
        yield return ("usage_hourly", $"insert into usage_hourly (client_id, hour, outcome, writer, count) values (@Id, {now}, 'issued', 'w', 1)");
        yield return ("last_used", $"insert into last_used (client_id, kind, value, used_at) values (@Id, 'client', '', {now})");
        yield return ("revocation", $"insert into revocation (kind, client_id, value, gen, expires_at) values ('client', @Id, @Id, 1, {now})");
        yield return ("idempotency", $"insert into idempotency (key_hash, body_hash, client_id, secret_id, created_at, expires_at) values ({hash}, {hash}, @Id, '', {now}, {now})");
        yield return ("expiry_warning", $"insert into expiry_warning (client_id, secret_id, expires_at, days) values (@Id, 's', {now}, 7)");
        yield return ("grain_state", $"insert into grain_state (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id, version, modified_at) values (1, 1, 0, 0, 'client', {(provider == StorageProvider.SqlServer ? "N'c:' + @Id" : "'c:' || @Id")}, 'authcluster', 1, {now})");
    }

    [GeneratedRegex(@"^create table (?<name>\w+)\n\((?:(?!^\)).)*?^    client_id (?:nvarchar\(128\)|[^\n]*length\(client_id\) <= 128)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex NarrowTable();
}
