using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using AuthCluster.Client;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace AuthCluster.ClientTests.Tokens;

public class TokenTelemetryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_successes_errors_and_durations_are_counted()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var meters = host.Services.GetRequiredService<IMeterFactory>();
        using var requests = new MetricCollector<long>(meters, "AuthCluster.Client", "authcluster.client.token.requests");
        using var successes = new MetricCollector<long>(meters, "AuthCluster.Client", "authcluster.client.token.successes");
        using var errors = new MetricCollector<long>(meters, "AuthCluster.Client", "authcluster.client.token.errors");
        using var duration = new MetricCollector<double>(meters, "AuthCluster.Client", "authcluster.client.token.duration");
        issuer.NextToken(400, """{"error":"invalid_scope"}""");

        await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());
        clock.Advance(TimeSpan.FromSeconds(2));
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.Equal(2, requests.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Equal(1, successes.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Equal("invalid_scope", Assert.Single(errors.GetMeasurementSnapshot()).Tags["error.type"]);
        Assert.Equal(2, duration.GetMeasurementSnapshot().Count);
    }

    [Fact]
    public async Task A_token_request_is_a_trace_of_its_own_linked_to_the_call_that_set_it_off()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        using var mine = new ActivitySource("test." + nameof(TokenTelemetryTests));
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "AuthCluster.Client" || source == mine,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        ActivityContext caller;
        using (var call = mine.StartActivity("call"))
        {
            caller = call!.Context;
            await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        }

        // Other tests trace too: ours is the one that links here.
        var span = Assert.Single(spans, span => span.Links.Any(link => link.Context.TraceId == caller.TraceId));
        Assert.Equal(("authcluster.token", ActivityKind.Client), (span.OperationName, span.Kind));
        Assert.NotEqual(caller.TraceId, span.TraceId);
    }

    [Fact]
    public async Task Neither_secret_nor_token_is_in_any_log_line_exception_or_string()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await FakeApi.StartAsync();
        const string Rotated = "the-secret-after-rotation";
        var present = issuer.Secret;
        await using var host = new SdkHost(clock, services =>
        {
            services.AddAuthClusterTokens(options =>
            {
                (options.Issuer, options.ClientId, options.MaxRetries) = (issuer.Issuer, FakeIssuer.ClientId, 0);
                options.ReadSecretWith(_ => ValueTask.FromResult(present));
            });
            services.AddHttpClient("api", http => http.BaseAddress = api.Address).AddAuthClusterToken();
        });
        var texts = new List<string>();
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        texts.AddRange([first.ToString(), JsonSerializer.Serialize(first), $"{first}"]);
        api.Refused[first.Value] = true;
        using var response = await host.Http("api").GetAsync("orders", Cancel);
        var second = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        texts.AddRange([response.ToString(), response.RequestMessage!.ToString()]);

        foreach (var answer in new[] { $$"""{"error":"invalid_scope","error_description":"you sent {{present}}"}""", $$"""{"error":"{{present}}"}""", $$"""{"access_token":"{{second.Value}}","token_type":1}""", "{" })
        {
            host.Tokens.Invalidate();
            clock.Advance(TimeSpan.FromMinutes(1));
            issuer.NextToken(400, answer);
            texts.Add((await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask())).ToString());
        }

        present = Rotated;
        clock.Advance(TimeSpan.FromMinutes(1));
        texts.Add((await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask())).ToString());
        issuer.IsDown = true;
        clock.Advance(TimeSpan.FromMinutes(1));
        texts.Add((await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask())).ToString());
        foreach (var line in host.Log.GetSnapshot())
            texts.AddRange([line.Message, line.Exception?.ToString() ?? "", .. (line.StructuredState ?? []).Select(pair => $"{pair.Key}={pair.Value}"), .. line.Scopes.Select(scope => scope?.ToString() ?? "")]);

        Assert.True(texts.Count > 50);
        string[] secrets = [first.Value, second.Value, issuer.Secret, Uri.EscapeDataString(issuer.Secret), Rotated];
        Assert.All(texts, text => Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal)));
        Assert.All(texts, text => Assert.DoesNotContain("Basic ", text, StringComparison.Ordinal));
    }
}
