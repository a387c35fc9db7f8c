// my-cli login | list-resources
// login takes AUTH_ISSUER and CLIENT_ID from the environment and the secret from CLIENT_SECRET or standard input.
using System.Net.Http.Json;
using AuthCluster.Client;
using AuthCluster.Client.Tokens;
using Microsoft.Extensions.DependencyInjection;
using MyCli;

return args switch
{
    ["login"] => await LoginAsync(),
    ["list-resources"] => await ListResourcesAsync(),
    _ => Fail("Usage: my-cli login | list-resources", exitCode: 2),
};

static async Task<int> LoginAsync()
{
    var issuer = Environment.GetEnvironmentVariable("AUTH_ISSUER") ?? "http://localhost:8080";
    if (Environment.GetEnvironmentVariable("CLIENT_ID") is not { Length: > 0 } id)
        return Fail("Set CLIENT_ID.", exitCode: 2);
    if ((Environment.GetEnvironmentVariable("CLIENT_SECRET") ?? await Console.In.ReadLineAsync()) is not { Length: > 0 } secret)
        return Fail("Set CLIENT_SECRET, or give the secret on standard input.", exitCode: 2);

    var credentials = new StoredCredentials(issuer, id, secret);
    Console.WriteLine("Authenticating...");
    await using var services = ServicesFor(credentials);
    try
    {
        await services.GetRequiredService<IAccessTokenSource>().GetTokenAsync();
    }
    catch (AuthClusterException e)
    {
        return Fail(e.Message, exitCode: 1);
    }

    await credentials.SaveAsync();
    Console.WriteLine("✓ Authenticated successfully");
    return 0;
}

static async Task<int> ListResourcesAsync()
{
    if (await StoredCredentials.LoadAsync() is not { } credentials)
        return Fail("Not logged in. Run: my-cli login", exitCode: 1);

    await using var services = ServicesFor(credentials);
    using var api = services.GetRequiredService<IHttpClientFactory>().CreateClient("api");
    Console.WriteLine("Fetching resources...");
    try
    {
        foreach (var name in await api.GetFromJsonAsync<string[]>("resources") ?? [])
            Console.WriteLine($"- {name}");
        return 0;
    }
    catch (Exception e) when (e is AuthClusterException or HttpRequestException or OperationCanceledException)
    {
        return Fail(e.Message, exitCode: 1);
    }
}

static ServiceProvider ServicesFor(StoredCredentials credentials)
{
    var services = new ServiceCollection();
    services.AddAuthClusterTokens(tokens => (tokens.Issuer, tokens.ClientId, tokens.ClientSecret) = (credentials.Issuer, credentials.ClientId, credentials.ClientSecret));
    services.AddHttpClient("api", http => http.BaseAddress = new Uri(Environment.GetEnvironmentVariable("API_URL") ?? "http://localhost:5100"))
        .AddAuthClusterToken(token => token.Scope = "read");
    return services.BuildServiceProvider();
}

static int Fail(string message, int exitCode)
{
    Console.Error.WriteLine(message);
    return exitCode;
}
