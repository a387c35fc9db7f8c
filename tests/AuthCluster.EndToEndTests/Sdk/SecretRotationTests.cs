using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using AuthCluster.Client;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>A client whose secret changes while it runs.</summary>
[Collection(WithSdkServer.Name)]
public sealed class SecretRotationTests(SdkServer server) : IDisposable
{
    private const int Rotations = 5;
    private const int Workers = 8;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rotating_the_secret_of_a_running_client_fails_no_call()
    {
        var client = await server.NewCallerAsync();
        var file = _folder.Write("secret", client.Secret + "\n");
        await using var application = new SdkApplication(server.Issuer, client, change: options => (options.ClientSecret, options.ClientSecretFile) = (null, file));
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var calls = 0;
        var failures = new ConcurrentQueue<Exception>();
        // Each worker drops the token again and again, so that a request with a secret is always under way.
        var workers = Enumerable.Range(0, Workers).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                try
                {
                    await application.TokenAsync();
                    Interlocked.Increment(ref calls);
                }
                catch (AuthClusterException e)
                {
                    failures.Enqueue(e);
                }

                application.Tokens.Invalidate();
            }
        })).ToList();

        for (var rotation = 0; rotation < Rotations; rotation++)
        {
            var old = (await server.AdminAsync(HttpMethod.Get, $"/clients/{client.Id}/secrets")).GetProperty("items")[0].GetProperty("secretId").GetString();
            var added = await server.AdminAsync(HttpMethod.Post, $"/clients/{client.Id}/secrets", new JsonObject { ["label"] = $"rotation {rotation}" });
            // As an agent that delivers secrets does it: it writes another file, then renames it.
            File.Move(_folder.Write("fresh", added.GetProperty("secret").GetString() + "\n"), file, overwrite: true);
            await server.AdminAsync(HttpMethod.Delete, $"/clients/{client.Id}/secrets/{old}");

            var seen = Volatile.Read(ref calls);
            await Eventually.HoldsAsync("calls go on", Deadline, () => Volatile.Read(ref calls) > seen + (2 * Workers) || !failures.IsEmpty, Cancellation);
        }

        await done.CancelAsync();
        await Task.WhenAll(workers);
        Assert.Empty(failures);
        using var direct = new TokenEndpointCaller(server.Process.Address);
        Assert.Equal("invalid_client", (await direct.PostAsync(client)).Error);
    }

    public void Dispose() => _folder.Dispose();
}
