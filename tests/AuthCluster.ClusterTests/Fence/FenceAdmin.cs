using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>An administrator who writes through any node, and whom no failure of a node stops.</summary>
internal sealed class FenceAdmin(Caller caller, TestClient admin)
{
    private string _bearer = "";

    /// <summary>The time, by the clock of all answers.</summary>
    public TimeSpan Now => caller.Now;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Gets the administrator's token.</summary>
    public async Task SignInAsync(ServerProcess node) => _bearer = await caller.TokenAsync(node, admin);

    public Task<WriteAnswer> DisableAsync(ServerProcess node, TestClient client) => SendAsync(node, HttpMethod.Post, $"clients/{client.Id}/disable");

    public Task<WriteAnswer> EnableAsync(ServerProcess node, TestClient client) => SendAsync(node, HttpMethod.Post, $"clients/{client.Id}/enable");

    public Task<WriteAnswer> PatchAsync(ServerProcess node, TestClient client, object document) =>
        SendAsync(node, HttpMethod.Patch, $"clients/{client.Id}", JsonSerializer.Serialize(document), "application/merge-patch+json");

    /// <summary>Vouches that the process of a silo has ended.</summary>
    public Task<WriteAnswer> VouchEndedAsync(ServerProcess node, string address) =>
        SendAsync(node, HttpMethod.Post, $"cluster/silos/{Uri.EscapeDataString(address)}/ended");

    /// <summary>Creates a client.</summary>
    public async Task<TestClient> CreateAsync(ServerProcess node, string id)
    {
        var created = await SendAsync(node, HttpMethod.Post, "clients", JsonSerializer.Serialize(new { clientId = id }));
        Assert.True(created.Status == 201, created.ToString());
        return new TestClient(id, JsonElement.Parse(created.Body).GetProperty("secret").GetString()!);
    }

    /// <summary>Adds a secret and returns the client with it, and the secret's id.</summary>
    public async Task<(TestClient Client, string SecretId)> AddSecretAsync(ServerProcess node, TestClient client)
    {
        var added = await SendAsync(node, HttpMethod.Post, $"clients/{client.Id}/secrets", "{}");
        Assert.True(added.Status == 201, added.ToString());
        var json = JsonElement.Parse(added.Body);
        return (new TestClient(client.Id, json.GetProperty("secret").GetString()!), json.GetProperty("secretId").GetString()!);
    }

    /// <summary>Reads a document; anything else fails the test.</summary>
    public async Task<JsonElement> GetAsync(ServerProcess node, string path)
    {
        var answer = await SendAsync(node, HttpMethod.Get, path);
        Assert.True(answer.Status == 200, answer.ToString());
        return JsonElement.Parse(answer.Body);
    }

    /// <summary>The silos that might still decide by an older state, by address, as <c>GET /cluster</c> tells; null when there was no answer.</summary>
    public async Task<IReadOnlyDictionary<string, UnconfirmedSilo>?> UnconfirmedAsync(ServerProcess node)
    {
        var answer = await SendAsync(node, HttpMethod.Get, "cluster");
        return answer.Status != 200
            ? null
            : JsonElement.Parse(answer.Body).GetProperty("silos").EnumerateArray()
                .Where(silo => silo.TryGetProperty("mayDecideUntil", out var until) && until.ValueKind == JsonValueKind.String)
                .ToDictionary(
                    silo => silo.GetProperty("address").GetString()!,
                    silo => new UnconfirmedSilo(
                        caller.Now + (silo.GetProperty("mayDecideUntil").GetDateTimeOffset() - DateTimeOffset.UtcNow),
                        silo.GetProperty("status").GetString() == "dead"));
    }

    /// <summary>Sends a request below <c>/admin/v1/</c>; never throws for what the server does.</summary>
    public async Task<WriteAnswer> SendAsync(ServerProcess node, HttpMethod method, string path, string? json = null, string mediaType = "application/json")
    {
        var sent = caller.Now;
        try
        {
            using var answer = await caller.SendAsync(node, method, "/admin/v1/" + path, _bearer, json, mediaType);
            var body = await answer.Content.ReadAsStringAsync(Cancellation);
            var holds = answer.Headers.TryGetValues("Holds-Everywhere", out var values) ? string.Join(", ", values) : null;
            return new WriteAnswer(sent, caller.Now, (int)answer.StatusCode, holds, answer.Headers.RetryAfter?.Delta, body);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !Cancellation.IsCancellationRequested))
        {
            return new WriteAnswer(sent, caller.Now, 0, null, null, $"{e.GetType().Name}: {e.Message}");
        }
    }
}

/// <summary>A silo that might still decide by an older state.</summary>
/// <param name="Until">Until when it might, by the caller's clock; of one that lives this is reckoned as though it were declared dead now.</param>
/// <param name="IsDead">Whether it was declared dead.</param>
internal sealed record UnconfirmedSilo(TimeSpan Until, bool IsDead);
