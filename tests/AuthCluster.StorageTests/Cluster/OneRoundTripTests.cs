using System.Collections.Concurrent;
using System.Diagnostics;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Keys;
using Npgsql;

namespace AuthCluster.StorageTests.Cluster;

/// <summary>
/// The writes that lock what all silos read twice a second. Each goes to the database at once: a process that hangs between two round trips would keep
/// the lock.
/// </summary>
public sealed class OneRoundTripTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _commands = new();
    private DatabaseUnderTest? _under;
    private ActivityListener? _listener;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        await new KeyMaterialStore(_under.Database).InitialiseAsync([Samples.SigningKey("k")], Samples.Pepper("p"), Samples.Now, Cancel);
        await new Membership(_under).InsertAsync("dead", 1, Membership.Dead);
        var name = new NpgsqlConnectionStringBuilder(_under.ConnectionString).Database;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                // Tests that run at the same time have databases of their own.
                if (activity.TagObjects.Any(tag => tag.Value as string == name) && activity.TagObjects.FirstOrDefault(tag => tag.Key is "db.statement" or "db.query.text").Value is string sql)
                {
                    _commands.Enqueue(sql);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        _listener?.Dispose();
        await _under!.DisposeAsync();
    }

    [Fact]
    public async Task A_raise_of_the_floor_is_one_command()
    {
        await new KeyMaterialStore(_under!.Database).RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a"), Cancel);

        Assert.Contains("generation_floor", Assert.Single(_commands), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_word_of_an_operator_is_one_command()
    {
        var fence = new FenceStore(_under!.Database, Membership.ClusterId);

        Assert.True(await fence.VouchEndedAsync(Membership.Address, Membership.Port, 1, Samples.Audit("a"), Cancel));

        Assert.Contains("ended_at", Assert.Single(_commands), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_of_which_one_statement_fails_leaves_nothing_behind()
    {
        var keys = new KeyMaterialStore(_under!.Database);
        var before = await keys.ReadVersionAsync(Cancel);
        await _under.ExecuteAsync("alter table audit rename to audit_elsewhere");

        await Assert.ThrowsAsync<PostgresException>(() => keys.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a"), Cancel));

        Assert.Equal(before, await keys.ReadVersionAsync(Cancel));
    }

    [Fact]
    public async Task A_failure_at_the_commit_is_told_and_leaves_nothing_behind()
    {
        var keys = new KeyMaterialStore(_under!.Database);
        var before = await keys.ReadVersionAsync(Cancel);
        await _under.ExecuteAsync("""
            create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused' using errcode = '23514'; end $$;
            create constraint trigger refuses after insert on audit deferrable initially deferred for each row execute function refuse();
            """);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => keys.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a"), Cancel));

        Assert.Equal("23514", refused.SqlState);
        Assert.Equal(before, await keys.ReadVersionAsync(Cancel));
    }
}
