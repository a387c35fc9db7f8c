using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;

namespace AuthCluster.ServerTests.Starting;

/// <summary>The start waits for a database that does not answer, and then fails.</summary>
public sealed class UnreachableDatabaseTests
{
    private const string Key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    private const string Postgres = "Host=127.0.0.1;Port=1;Username=none;Database=none;Password=hidden-password";

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData("All")]
    [InlineData("FrontEnd")]
    public async Task A_silo_and_a_front_end_wait_a_minute_for_a_database_that_does_not_answer(string role)
    {
        var clock = new FastClock();
        var started = clock.GetTimestamp();
        await using var server = new InProcessServer { Clock = clock };
        server["AuthCluster:Role"] = role;
        server["AuthCluster:Storage:Provider"] = "PostgreSql";
        server["AuthCluster:Storage:ConnectionString"] = Postgres;
        server["AuthCluster:Keys:EncryptionKey"] = Key;
        server["AuthCluster:Cluster:AdvertisedAddress"] = "127.0.0.1";

        Assert.Equal(1, await server.RunToExitAsync(TestContext.Current.CancellationToken));

        var lines = server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // A line of the log begins with its time.
        var sentence = Assert.Single(lines, line => !char.IsAsciiDigit(line[0]));
        Assert.StartsWith("The database of AuthCluster:Storage:ConnectionString could not be reached for a minute (", sentence, StringComparison.Ordinal);
        Assert.Contains("Connection refused", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", sentence, StringComparison.Ordinal);
        // A start gives up as soon as another try would begin after the minute.
        Assert.True(clock.GetElapsedTime(started) >= Minute - Pause, $"after {clock.GetElapsedTime(started)}");
        var waiting = lines.Where(line => line.Contains("can't be reached yet", StringComparison.Ordinal)).ToList();
        Assert.Equal(role == "All", waiting.Count > 0);
        Assert.All(waiting, line => Assert.Contains("Connection refused", line, StringComparison.Ordinal));
    }
}
