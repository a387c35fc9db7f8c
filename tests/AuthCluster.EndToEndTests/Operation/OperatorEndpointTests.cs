using AuthCluster.EndToEndTests.Session;

namespace AuthCluster.EndToEndTests.Operation;

/// <summary>What a load balancer and a Prometheus see.</summary>
[Collection(OnSharedServer.Name)]
public sealed class OperatorEndpointTests(SharedServer server) : IDisposable
{
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task A_healthy_server_says_so(string path)
    {
        using var answer = await _caller.Http.GetAsync(path, Cancellation);

        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Fact]
    public async Task The_metrics_count_requests_by_outcome_and_method_and_name_no_client()
    {
        await server.TokenAsync(PreparedClients.WithAudiences);
        await _caller.BasicAsync(PreparedClients.WithAudiences with { Secret = "wrong" });
        await _caller.PostAsync(PreparedClients.WithAudiences, "&scope=none");
        await _caller.BasicAsync(PreparedClients.WithAudiences, "&scope=%22");

        var text = await _caller.Http.GetStringAsync("/metrics", Cancellation);

        var requests = text.Split('\n').Where(line => line.StartsWith("authcluster_token_requests_total{", StringComparison.Ordinal)).ToList();
        Assert.Contains(requests, line => line.Contains("outcome=\"issued\"", StringComparison.Ordinal) && line.Contains("auth_method=\"client_secret_post\"", StringComparison.Ordinal));
        Assert.Contains(requests, line => line.Contains("outcome=\"invalid_client\"", StringComparison.Ordinal) && line.Contains("auth_method=\"client_secret_basic\"", StringComparison.Ordinal));
        Assert.Contains(requests, line => line.Contains("outcome=\"invalid_scope\"", StringComparison.Ordinal));
        Assert.Contains(requests, line => line.Contains("outcome=\"invalid_scope\"", StringComparison.Ordinal) && line.Contains("auth_method=\"client_secret_basic\"", StringComparison.Ordinal));
        Assert.Contains("authcluster_token_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.DoesNotContain("with-audiences", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_soonest_end_of_a_secret_is_a_metric()
    {
        var text = await _caller.Http.GetStringAsync("/metrics", Cancellation);

        Assert.Contains("\nauthcluster_secret_expires_in_seconds", text, StringComparison.Ordinal);
    }

    public void Dispose() => _caller.Dispose();
}
