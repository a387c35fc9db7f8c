using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.StorageTests.Cluster;

public sealed class DatabaseClockTests
{
    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_server_database_tells_the_time_of_its_clock_and_SQLite_has_none(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var before = TimeProvider.System.GetUtcNow();

        var time = await new DatabaseClock(under.Database).ReadAsync(TestContext.Current.CancellationToken);

        Assert.Equal(provider == StorageProvider.Sqlite, time is null);
        // The server that the tests use is on this machine.
        var second = TimeSpan.FromSeconds(1);
        Assert.InRange(time ?? before, before - second, TimeProvider.System.GetUtcNow() + second);
    }
}
