using System.Text.Json.Nodes;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Cluster;

/// <summary>A server that was used, then killed, then started again on the same data.</summary>
public sealed class KilledServer : IAsyncLifetime
{
    /// <summary>The usual client.</summary>
    public static readonly TestClient Client = new("orders", GeneratedSecret.New());

    /// <summary>A client whose secret a person chose.</summary>
    public static readonly TestClient Chosen = new("chosen", "a chosen secret, not generated");

    /// <summary>A client with a burst of 20 tokens, of which it had <see cref="SpentOfLimited"/> before the kill.</summary>
    public static readonly TestClient Limited = new("limited", GeneratedSecret.New());

    /// <summary>May read the whole feed of revocations.</summary>
    public static readonly TestClient Reader = new("reader", GeneratedSecret.New());

    private const int SpentOfLimited = 15;

    private readonly ServerProcess _process = new();

    /// <summary>Where it listens.</summary>
    public Uri Address => _process.Address;

    /// <summary>Its issuer.</summary>
    public string Issuer => _process.Issuer;

    /// <summary>The published keys as they were before the kill.</summary>
    public string Keys { get; private set; } = "";

    /// <summary>A token of <see cref="Client"/> from before the kill.</summary>
    public TokenAnswer Kept { get; private set; } = null!;

    /// <summary>Another, which was revoked before the kill.</summary>
    public TokenAnswer Revoked { get; private set; } = null!;

    /// <summary>The end of the feed before that revocation.</summary>
    public string Cursor { get; private set; } = "";

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _process["AuthCluster:Bootstrap:ClientsFile"] = _process.WriteFile("clients.json", ClientDocument.File(
            ClientDocument.For(Client),
            ClientDocument.For(Chosen),
            ClientDocument.For(Limited, new() { ["rateLimit"] = new JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = 20 } }),
            ClientDocument.For(Reader, new() { ["introspects"] = new JsonArray("any") })));
        await _process.StartAsync(CancellationToken.None);
        await UseAsync();
        await _process.KillAsync();
        await _process.StartAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task UseAsync()
    {
        using var tokens = new TokenEndpointCaller(Address);
        using var caller = new OAuthCaller(Address);
        Keys = await tokens.Http.GetStringAsync("/.well-known/jwks.json");
        Kept = await GrantedAsync(tokens, Client);
        Revoked = await GrantedAsync(tokens, Client);
        await GrantedAsync(tokens, Chosen);
        for (var i = 0; i < SpentOfLimited; i++)
        {
            await GrantedAsync(tokens, Limited);
        }

        (_, Cursor) = await caller.FeedToEndAsync(Reader);
        // The last thing before the kill: what is acknowledged must be stored.
        Assert.Equal(200, (await caller.RevokeAsync(Client, Revoked.Token)).Status);
    }

    private static async Task<TokenAnswer> GrantedAsync(TokenEndpointCaller caller, TestClient client)
    {
        var answer = await caller.PostAsync(client);
        Expect.Granted(answer);
        return answer;
    }
}
