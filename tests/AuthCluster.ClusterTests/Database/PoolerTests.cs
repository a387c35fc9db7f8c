using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Database;

/// <summary>Servers that reach PostgreSQL through a pooler in transaction mode.</summary>
public sealed class PoolerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData(";No Reset On Close=true")]
    public async Task Servers_start_one_after_the_other_issue_tokens_and_are_administered_through_a_pooler(string more)
    {
        PgBouncer.Need();
        var (client, admin) = (TestClient.New("orders"), TestClient.New("boss"));
        var server = await SharedPostgres.ServerAsync(fsync: true);
        await using var pooler = await PgBouncer.StartAsync(server, sessions: 5, Cancellation);
        await using var cluster = await ClusterUnderTest.CreateAsync(DatabaseKind.PostgreSql, client.Document(), admin.Document(TestClient.Administers));
        var connectionString = pooler.ConnectionStringOf(await cluster.Database.QueryAsync("select current_database()")) + more;
        using var caller = new Caller();

        var first = await StartAsync();
        var token = await caller.TokenAsync(first, client);
        await first.StopAsync(Cancellation);
        var second = await StartAsync();
        var third = await StartAsync();

        foreach (var node in new[] { second, third })
        {
            Assert.True(await caller.At(node).IsActiveAsync(client, token));
            var bearer = await caller.TokenAsync(node, admin);
            using var answer = await caller.SendAsync(node, HttpMethod.Post, $"/admin/v1/clients/{client.Id}/revoke-tokens", bearer);
            Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode}{ServerProcess.Tail(node.Output)}");
            Assert.False(await caller.At(node).IsActiveAsync(client, token));
            token = await caller.TokenAsync(node, client);
        }

        Assert.Equal(2, await cluster.Database.NumberAsync("select count(*) from audit where action = 'client.revoke-tokens'"));
        await Eventually.HoldsAsync(
            "the usage is written",
            TimeSpan.FromSeconds(20),
            async () => await cluster.Database.NumberAsync($"select count(*) from last_used where client_id = '{client.Id}' and kind = 'client'") == 1,
            Cancellation);
        Assert.All(await Task.WhenAll(second.StopAsync(Cancellation), third.StopAsync(Cancellation)), code => Assert.Equal(0, code));

        async Task<ServerProcess> StartAsync() =>
            (await cluster.StartNodesAsync(1, node => node["AuthCluster:Storage:ConnectionString"] = connectionString))[0];
    }
}
