using System.Text.RegularExpressions;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.StorageTests.Cluster;

/// <summary>Silos in the membership, changed by the texts that Orleans is given.</summary>
internal sealed partial class Membership(DatabaseUnderTest under)
{
    public const string ClusterId = "authcluster";
    public const string Address = "127.0.0.1";
    public const int Port = 11111;
    public const int Active = 3;
    public const int Dead = 6;

    /// <summary>Inserts a silo, and the version of its cluster where there is none. A silo's name and generation tell it from others.</summary>
    public async Task InsertAsync(string name, int generation, int status, string clusterId = ClusterId, DateTimeOffset? aliveAt = null)
    {
        await under.ExecuteAsync(
            """
            insert into orleans_membership_version (deployment_id, version, modified_at)
            select @ClusterId, 0, @At where not exists (select 1 from orleans_membership_version where deployment_id = @ClusterId)
            """,
            new { ClusterId = clusterId, At = new StoredTime(Samples.Now) });
        await under.ExecuteAsync(
            """
            insert into orleans_membership
                (deployment_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time)
            values (@ClusterId, @Address, @Port, @Generation, @Name, 'host', @Status, 30000, @AliveAt, @AliveAt)
            """,
            new { ClusterId = clusterId, Address, Port, Generation = generation, Name = name, Status = status, AliveAt = new StoredTime(aliveAt ?? Samples.Now) });
    }

    /// <summary>Changes a silo's status as Orleans does, and says how many rows the text changed.</summary>
    public async Task<int> ChangeStatusAsync(int generation, int status, string? text = null)
    {
        var version = Assert.Single(await under.QueryAsync<int>(
            "select version from orleans_membership_version where deployment_id = @ClusterId", new { ClusterId }));
        return Assert.Single(await under.QueryAsync<int>(
            text ?? await TextAsync("UpdateMembershipKey"),
            new
            {
                DeploymentId = ClusterId,
                Address,
                Port,
                Generation = generation,
                Status = status,
                SuspectTimes = (string?)null,
                IAmAliveTime = new StoredTime(Samples.Now),
                Version = version,
            }));
    }

    /// <summary>Removes silos as Orleans does: those that have not said since <paramref name="before"/> that they are alive.</summary>
    public async Task CleanUpAsync(DateTimeOffset before) => await under.ExecuteAsync(
        await TextAsync("CleanupDefunctSiloEntriesKey"), new { DeploymentId = ClusterId, IAmAliveTime = new StoredTime(before) });

    /// <summary>Moves the stamp of a death into the past, by the database's clock.</summary>
    public async Task SetDeadForAsync(int generation, TimeSpan age)
    {
        var now = await ClockAsync();
        await under.ExecuteAsync(
            "update orleans_membership set dead_at = @At where generation = @Generation", new { At = new StoredTime(now - age), Generation = generation });
    }

    public async Task<DateTimeOffset> ClockAsync() => (await new DatabaseClock(under.Database).ReadAsync(TestContext.Current.CancellationToken))!.Value;

    public Task<DateTimeOffset?> DeadAtAsync(int generation) => TimeAsync("dead_at", generation);

    public Task<DateTimeOffset?> EndedAtAsync(int generation) => TimeAsync("ended_at", generation);

    public async Task<List<string>> NamesAsync() => await under.QueryAsync<string>("select silo_name from orleans_membership order by silo_name");

    /// <summary>The text that an older build was given.</summary>
    public static string OldTextOf(StorageProvider provider) => OldUpdate()
        .Match(Scripts.Of(provider).Single(script => script.Name == "0002_create_membership").Text).Groups["text"].Value;

    private async Task<string> TextAsync(string key) =>
        Assert.Single(await under.QueryAsync<string>("select querytext from orleansquery where querykey = @Key", new { Key = key }));

    private async Task<DateTimeOffset?> TimeAsync(string column, int generation) =>
        Assert.Single(await under.QueryAsync<DateTime?>($"select {column} from orleans_membership where generation = @Generation", new { Generation = generation })) is { } time
            ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc))
            : null;

    [GeneratedRegex(@"'UpdateMembershipKey', N?'(?<text>[^']*)'\)")]
    private static partial Regex OldUpdate();
}
