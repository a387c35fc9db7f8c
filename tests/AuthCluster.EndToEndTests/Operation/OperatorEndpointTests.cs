using System.Globalization;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Operation;

/// <summary>What a load balancer and a Prometheus see.</summary>
[Collection(OnSharedServer.Name)]
public sealed class OperatorEndpointTests(SharedServer server) : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly TokenEndpointCaller _caller = server.NewCaller();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task A_healthy_server_answers_200_on_its_health_paths(string path)
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

        var requests = new List<string>();
        bool Counts(string outcome, string method) => requests.Exists(line =>
            line.Contains($"outcome=\"{outcome}\"", StringComparison.Ordinal) && line.Contains($"auth_method=\"{method}\"", StringComparison.Ordinal));
        // The server renders the page a few times a second, not for each request.
        await Eventually.HoldsAsync(
            "the metrics count all four",
            Soon,
            async () =>
            {
                requests = [.. (await _caller.Http.GetStringAsync("/metrics", Cancellation)).Split('\n').Where(line => line.StartsWith("authcluster_token_requests_total{", StringComparison.Ordinal))];
                return Counts("issued", "client_secret_post") && Counts("invalid_client", "client_secret_basic")
                    && Counts("invalid_scope", "client_secret_post") && Counts("invalid_scope", "client_secret_basic");
            },
            Cancellation);
        var text = await _caller.Http.GetStringAsync("/metrics", Cancellation);
        Assert.Contains("authcluster_token_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.DoesNotContain("with-audiences", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_soonest_end_of_a_secret_is_a_metric()
    {
        await Eventually.HoldsAsync(
            "the metrics tell of the client that has a secret which ends in an hour",
            Soon,
            async () => (await _caller.Http.GetStringAsync("/metrics", Cancellation)).Split('\n').Any(line =>
                line.StartsWith("authcluster_secret_expires_in_seconds", StringComparison.Ordinal)
                && double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture) is > 0 and <= 3_600),
            Cancellation);
    }

    [Theory]
    [InlineData("X-Forwarded-For: 127.0.0.1")]
    [InlineData("X-Forwarded-For: 203.0.113.9")]
    [InlineData("x-forwarded-proto: https")]
    [InlineData("X-Forwarded-Host: auth.example")]
    [InlineData("X-Original-For: 127.0.0.1")]
    [InlineData("Forwarded: for=127.0.0.1")]
    [InlineData("X-Real-IP: 127.0.0.1")]
    [InlineData("Via: 1.1 proxy")]
    [InlineData("CF-Connecting-IP: 127.0.0.1")]
    public async Task A_request_that_a_proxy_on_this_machine_forwarded_gets_no_metrics(string header)
    {
        var answer = await RawConnection.ExchangeAsync(server.Address, $"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n");

        Assert.Equal(404, answer.Status);
    }

    [Theory]
    [InlineData(404, "auth.example")]
    [InlineData(200, "localhost:8080")]
    [InlineData(200, "127.0.0.1")]
    [InlineData(200, "[::1]:8080")]
    public async Task The_metrics_are_served_only_to_a_request_whose_host_is_a_loopback_name(int status, string host) =>
        Assert.Equal(status, (await RawConnection.ExchangeAsync(server.Address, $"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n")).Status);

    public void Dispose() => _caller.Dispose();
}
