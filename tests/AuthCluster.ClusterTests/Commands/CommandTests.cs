using System.Security.Cryptography;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Commands;

/// <summary>The commands of the server's binary on a shared database.</summary>
public sealed class CommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task The_schema_is_created_and_checked_without_an_encryption_key(DatabaseKind kind)
    {
        await using var cluster = await ClusterUnderTest.CreateAsync(kind);
        var command = cluster.Add(node =>
        {
            node["AuthCluster:Keys:EncryptionKey"] = null;
            node["AuthCluster:Cluster:AdvertisedAddress"] = null;
        });

        Assert.Equal(1, await command.RunToExitAsync(Cancellation, "db", "status"));
        Assert.Contains("missing  0001", command.OutputOfThisRun, StringComparison.Ordinal);
        Assert.Equal(0, await command.RunToExitAsync(Cancellation, "db", "migrate"));
        Assert.Equal(0, await command.RunToExitAsync(Cancellation, "db", "status"));
        Assert.DoesNotContain("missing", command.OutputOfThisRun, StringComparison.Ordinal);
        Assert.Equal(2, await command.RunToExitAsync(Cancellation, "db", "destroy"));
    }

    [Fact]
    public async Task After_db_restored_no_earlier_token_is_valid_and_the_command_needs_force_while_servers_run()
    {
        var client = TestClient.New("orders");
        var admin = TestClient.New("boss");
        var postgres = await SharedPostgres.ServerAsync(fsync: true);
        await using var cluster = await ClusterUnderTest.CreateAsync(DatabaseKind.PostgreSql, client.Document(), admin.Document(TestClient.Administers));
        var database = await cluster.Database.QueryAsync("select current_database()");
        var nodes = await cluster.StartNodesAsync(2);
        var command = cluster.Add();
        using var caller = new Caller();
        var before = Caller.GenerationOf(await caller.TokenAsync(nodes[0], client));

        Assert.Equal(1, await command.RunToExitAsync(Cancellation, "db", "restored"));
        Assert.Contains("--force", command.OutputOfThisRun, StringComparison.Ordinal);

        // With --force, the running silos use the raised floor from their next reading of it.
        Assert.Equal(0, await command.RunToExitAsync(Cancellation, "db", "restored", "--force"));
        await Eventually.HoldsAsync(
            "both silos issue by the raised floor",
            TimeSpan.FromSeconds(3),
            async () => (await Task.WhenAll(nodes.Select(node => caller.TokenAsync(node, client)))).All(token => Caller.GenerationOf(token) >= before + (1 << 20)),
            Cancellation);

        // After a backup all tokens of the client are revoked and a new one is issued; then the backup is restored.
        var revoked = await caller.TokenAsync(nodes[0], client);
        await Task.WhenAll(nodes.Select(node => node.StopAsync(Cancellation)));
        await postgres.RunSqlAsync("postgres", $"create database {database}_backup template {database}", Cancellation);
        var node = nodes[0];
        await node.StartAsync(Cancellation);
        using (var answer = await caller.SendAsync(node, HttpMethod.Post, $"/admin/v1/clients/{client.Id}/revoke-tokens", await caller.TokenAsync(node, admin)))
        {
            Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode}");
        }

        var lost = await caller.TokenAsync(node, client);
        Assert.False(await caller.At(node).IsActiveAsync(client, revoked));
        Assert.True(await caller.At(node).IsActiveAsync(client, lost));
        await node.StopAsync(Cancellation);
        await postgres.DropDatabaseAsync(database, Cancellation);
        await postgres.RunSqlAsync("postgres", $"alter database {database}_backup rename to {database}", Cancellation);
        Assert.Equal(0, await command.RunToExitAsync(Cancellation, "db", "restored"));
        Assert.Equal(0, await cluster.Database.NumberAsync("select count(*) from orleans_membership"));
        await node.StartAsync(Cancellation);
        Assert.False(await caller.At(node).IsActiveAsync(client, revoked), "A token that was revoked after the backup lives again.");
        Assert.False(await caller.At(node).IsActiveAsync(client, lost), "A token that the backup knows nothing of lives.");
        Assert.True(await caller.At(node).IsActiveAsync(client, await caller.TokenAsync(node, client)));
        await node.StopAsync(Cancellation);
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task Rewrapped_keys_open_under_the_new_encryption_key_alone(DatabaseKind kind)
    {
        var client = TestClient.New("orders");
        await using var cluster = await ClusterUnderTest.StartAsync(kind, 1, client.Document());
        var node = cluster.Nodes[0];
        using var caller = new Caller();
        var published = await caller.TryGetAsync(node, "/.well-known/jwks.json");
        var next = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var command = cluster.Add(added =>
        {
            added["AuthCluster:Keys:EncryptionKey"] = next;
            added["AuthCluster:Keys:PreviousEncryptionKey"] = cluster.EncryptionKey;
        });
        Assert.Equal(1, await command.RunToExitAsync(Cancellation, "keys", "rewrap"));
        await node.StopAsync(Cancellation);

        Assert.Equal(0, await command.RunToExitAsync(Cancellation, "keys", "rewrap"));
        Assert.Equal(0, await command.RunToExitAsync(Cancellation, "keys", "rewrap"));

        Assert.Equal(1, await node.RunToExitAsync(Cancellation));
        Assert.Contains("AuthCluster:Keys:EncryptionKey", node.OutputOfThisRun, StringComparison.Ordinal);
        node["AuthCluster:Keys:EncryptionKey"] = next;
        await node.StartAsync(Cancellation);
        Assert.Equal(published, await caller.TryGetAsync(node, "/.well-known/jwks.json"));
        await caller.TokenAsync(node, client);
    }
}
