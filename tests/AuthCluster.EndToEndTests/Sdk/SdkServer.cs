using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>A real server for applications that use the SDK, with an admin, an API and its callers.</summary>
public sealed class SdkServer : IAsyncLifetime
{
    /// <summary>The audience of the API.</summary>
    public const string Audience = "https://api.example";

    /// <summary>The usual caller.</summary>
    public static readonly TestClient Caller = new("caller", GeneratedSecret.New());

    /// <summary>A caller whose tokens last a minute.</summary>
    public static readonly TestClient Brief = new("brief", GeneratedSecret.New());

    /// <summary>Ten tokens a second.</summary>
    public static readonly TestClient Limited = new("limited", GeneratedSecret.New());

    /// <summary>One token in a hundred seconds.</summary>
    public static readonly TestClient Starved = new("starved", GeneratedSecret.New());

    /// <summary>The API's own client.</summary>
    public static readonly TestClient Api = new("api", GeneratedSecret.New());

    private static readonly TestClient Admin = new("sdk-admin", GeneratedSecret.New());

    private TokenCounter? _counter;

    /// <summary>The process.</summary>
    public ServerProcess Process { get; } = new();

    /// <summary>The issuer, character for character.</summary>
    public string Issuer => $"http://localhost:{Process.Port}";

    /// <summary>Its token requests by outcome.</summary>
    public TokenCounter Counter => _counter ??= new TokenCounter(Process.Address);

    /// <summary>Calls the admin API, which must succeed, and returns the answer.</summary>
    public async Task<JsonElement> AdminAsync(HttpMethod method, string path, JsonObject? body = null)
    {
        using var caller = new TokenEndpointCaller(Process.Address);
        using var request = new HttpRequestMessage(method, "/admin/v1" + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await caller.PostAsync(Admin)).Token);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        using var answer = await caller.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonElement.Parse(text);
    }

    /// <summary>Registers a caller of the API.</summary>
    public async Task<TestClient> NewCallerAsync()
    {
        var made = await AdminAsync(HttpMethod.Post, "/clients", DocumentOfCaller());
        return new TestClient(made.GetProperty("clientId").GetString()!, made.GetProperty("secret").GetString()!);
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Process["AuthCluster:Bootstrap:ClientsFile"] = Process.WriteFile("clients.json", ClientDocument.File(
            ClientDocument.For(Admin, new() { ["scopes"] = new JsonArray("authcluster:admin") }),
            ClientDocument.For(Caller, DocumentOfCaller()),
            ClientDocument.For(Brief, With("tokenLifetimeSeconds", 60)),
            ClientDocument.For(Limited, With("rateLimit", new JsonObject { ["tokensPerSecond"] = 10, ["burst"] = 10 })),
            ClientDocument.For(Starved, With("rateLimit", new JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = 1 })),
            ClientDocument.For(Api, new() { ["introspects"] = new JsonArray(Audience) })));
        await Process.StartAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _counter?.Dispose();
        await Process.DisposeAsync();
    }

    private static JsonObject DocumentOfCaller() => new() { ["scopes"] = new JsonArray("read", "write"), ["audiences"] = new JsonArray(Audience) };

    private static JsonObject With(string name, JsonNode value)
    {
        var document = DocumentOfCaller();
        document[name] = value;
        return document;
    }
}

/// <summary>The test classes that use the one server of <see cref="SdkServer"/>.</summary>
[CollectionDefinition(Name)]
public sealed class WithSdkServer : ICollectionFixture<SdkServer>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "with the server for the SDK";
}
