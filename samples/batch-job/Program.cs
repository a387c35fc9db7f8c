// A nightly job: authenticate, fetch, process, store. Exit code 0: done; 75: worth another try later; 1: somebody must look.
// 15 2 * * *  CLIENT_SECRET_FILE=/run/secrets/nightly dotnet NightlyJob.dll
using System.Net.Http.Json;
using AuthCluster.Client;
using Microsoft.Extensions.DependencyInjection;

const int Done = 0, LookAtIt = 1, TryAgainLater = 75; // 75 is sysexits' EX_TEMPFAIL

using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(30), TimeProvider.System);
var services = new ServiceCollection();
services.AddAuthClusterTokens(tokens =>
{
    tokens.Issuer = Environment.GetEnvironmentVariable("AUTH_ISSUER") ?? "http://localhost:8080";
    tokens.ClientId = Environment.GetEnvironmentVariable("CLIENT_ID");
    tokens.ClientSecret = Environment.GetEnvironmentVariable("CLIENT_SECRET");
    tokens.ClientSecretFile = Environment.GetEnvironmentVariable("CLIENT_SECRET_FILE");
    (tokens.Timeout, tokens.MaxRetries) = (TimeSpan.FromMinutes(2), 10); // nobody waits for a night job: sit out a restart of the server
});
services.AddHttpClient("api", http =>
    {
        http.BaseAddress = new Uri(Environment.GetEnvironmentVariable("API_URL") ?? "http://localhost:5100");
        http.Timeout = Timeout.InfiniteTimeSpan; // the whole job has one
    })
    .AddAuthClusterToken(token => token.Scope = "read write");
await using var provider = services.BuildServiceProvider();
using var api = provider.GetRequiredService<IHttpClientFactory>().CreateClient("api");

try
{
    var data = await api.GetFromJsonAsync<string[]>("resources", timeout.Token) ?? [];
    var processed = data.Select(name => name.ToUpperInvariant()).ToArray();
    using var stored = await api.PostAsJsonAsync("resources", processed, timeout.Token);
    stored.EnsureSuccessStatusCode();
    Console.WriteLine($"Processed {processed.Length} resources");
    return Done;
}
catch (AuthClusterException e)
{
    Console.Error.WriteLine(e.Message);
    return e.IsTransient ? TryAgainLater : LookAtIt;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("The job was not done within its time.");
    return TryAgainLater;
}
catch (HttpRequestException e)
{
    Console.Error.WriteLine(e.Message);
    return e.StatusCode is null or >= System.Net.HttpStatusCode.InternalServerError ? TryAgainLater : LookAtIt;
}
