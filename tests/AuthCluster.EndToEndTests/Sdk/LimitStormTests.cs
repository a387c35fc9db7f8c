using System.Diagnostics;
using System.Net;
using AuthCluster.Client;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>More applications than the client's limit has tokens for.</summary>
[Collection(WithSdkServer.Name)]
public sealed class LimitStormTests(SdkServer server)
{
    private const int Applications = 25;
    private const int CallersEach = 40;

    [Fact]
    public async Task Callers_of_many_applications_all_get_their_token_and_none_asks_before_the_time_that_the_server_named()
    {
        var applications = Enumerable.Range(0, Applications).Select(_ => new SdkApplication(server.Issuer, SdkServer.Limited)).ToList();
        try
        {
            await Task.WhenAll(applications.SelectMany(application => Enumerable.Range(0, CallersEach).Select(_ => application.TokenAsync().AsTask())));

            // Without a refusal by the limit this test would show nothing.
            Assert.Contains(applications.SelectMany(application => application.Attempts), attempt => attempt.Status == HttpStatusCode.TooManyRequests);
            foreach (var application in applications)
            {
                var attempts = application.Attempts.ToList();
                Assert.Single(attempts, attempt => attempt.Status == HttpStatusCode.OK);
                foreach (var (refused, next) in attempts.Zip(attempts.Skip(1)))
                {
                    Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
                    Assert.True(Stopwatch.GetElapsedTime(refused.Answered, next.Sent) >= refused.RetryAfter, $"{refused}, then {next}");
                }
            }
        }
        finally
        {
            await Task.WhenAll(applications.Select(application => application.DisposeAsync().AsTask()));
        }
    }

    [Fact]
    public async Task When_the_server_asks_for_a_long_pause_all_callers_are_told_and_only_one_request_is_sent()
    {
        await using var first = new SdkApplication(server.Issuer, SdkServer.Starved);
        await first.TokenAsync();
        await using var application = new SdkApplication(server.Issuer, SdkServer.Starved);
        var before = await server.Counter.CountAsync("slow_down");

        var refusals = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => Assert.ThrowsAsync<AuthClusterException>(async () => await application.TokenAsync())));

        Assert.All(refusals, refusal => Assert.Equal(AuthClusterError.SlowDown, refusal.Error));
        Assert.All(refusals, refusal => Assert.InRange(refusal.RetryAfter!.Value, TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(121)));
        Assert.Equal(before + 1, await server.Counter.CountAsync("slow_down"));
    }
}
