using AuthCluster.Storage;
using AuthCluster.TestKit;

namespace AuthCluster.StorageTests;

/// <summary>The reason that an operator reads when the database can't be used.</summary>
public sealed class StorageReasonTests
{
    private const string Password = "right-and-secret-4711";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_mistake_in_a_connection_string_of_postgresql_has_a_reason_of_its_own_without_the_password()
    {
        PostgresServer.Need();
        using var folder = new TemporaryFolder();
        var rights = folder.Write("hba.conf", "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        await Command.RunAsync("chmod", "-R", "a+rX", folder.Path);
        await using var server = await PostgresServer.StartAsync(fsync: false, Cancel, $"hba_file={rights}");
        await server.RunSqlAsync("postgres", $"create role app login password '{Password}'", Cancel);
        var sound = $"Host=127.0.0.1;Port={server.Port};Username=app;Password={Password};Database=postgres";
        await using (var database = new Database(StorageProvider.PostgreSql, sound))
        {
            await (await database.OpenAsync(Cancel)).DisposeAsync();
        }

        var reasons = new Dictionary<string, string>
        {
            ["28P01: password authentication failed for user \"app\""] = sound.Replace(Password, "wrong-and-secret-4711", StringComparison.Ordinal),
            ["3D000: database \"nowhere\" does not exist"] = sound.Replace("Database=postgres", "Database=nowhere", StringComparison.Ordinal),
            ["SSL"] = sound + ";SSL Mode=Require",
            ["Connection refused"] = sound.Replace($"Port={server.Port}", $"Port={FreePorts.Take()}", StringComparison.Ordinal),
            ["Name or service not known"] = sound.Replace("Host=127.0.0.1", "Host=nowhere.invalid", StringComparison.Ordinal),
        };
        foreach (var (expected, connectionString) in reasons)
        {
            await using var database = new Database(StorageProvider.PostgreSql, connectionString);

            var reason = StorageReason.Of(await Assert.ThrowsAsync<StorageUnavailableException>(async () => await database.OpenAsync(Cancel)));

            Assert.Contains(expected, reason, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", reason, StringComparison.Ordinal);
            Assert.DoesNotContain("could not be reached", reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_sqlite_file_that_can_not_be_opened_has_its_reason()
    {
        using var folder = new TemporaryFolder();
        await using var database = new Database(StorageProvider.Sqlite, $"Data Source={folder.Path}");

        var reason = StorageReason.Of(await Assert.ThrowsAsync<StorageUnavailableException>(async () => await database.OpenAsync(Cancel)));

        Assert.Contains("SQLite error 14: ", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reason_is_one_short_line_and_says_nothing_twice()
    {
        var reason = StorageReason.Of(new StorageUnavailableException(
            "The database could not be reached.",
            new IOException("It broke.\nAt a place\twithin.", new IOException("broke", new IOException($"tab\there {new string('x', 1_000)}")))));

        Assert.StartsWith("It broke: tab here xxx", reason, StringComparison.Ordinal);
        Assert.Equal(300, reason.Length);
        Assert.DoesNotContain('\n', reason);
    }
}
