using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.GrainTests.Clients;

/// <summary>Short words for what the tests say to a client's grain.</summary>
internal static class TestClients
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public const string Secret = "the secret of the client";

    private static int _ids;

    /// <summary>An id that no other test uses.</summary>
    public static string NewId(string name = "client") => $"{name}-{Interlocked.Increment(ref _ids)}";

    public static ActorRecord Actor() => new("tester", "127.0.0.1", "request", $"audit-{Interlocked.Increment(ref _ids)}");

    public static JsonObject Document(params string[] scopes) => new()
    {
        ["name"] = "A client",
        ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
    };

    public static NewSecret SecretOf(string text, string id = "s1", DateTimeOffset? notBefore = null, DateTimeOffset? expiresAt = null) => new()
    {
        SecretId = id,
        Kind = SecretKind.Generated,
        Digest = Digest(text),
        NotBefore = notBefore,
        ExpiresAt = expiresAt,
    };

    public static NewSecret SlowSecretOf(string text, string id = "slow") => new()
    {
        SecretId = id,
        Kind = SecretKind.Given,
        SlowHash = SlowParameters,
        Expected = [.. Slow(text)],
    };

    public static ImmutableArray<byte> Digest(string secret) => [.. SHA256.HashData(Encoding.UTF8.GetBytes(secret))];

    public static byte[] Slow(string secret) =>
        Rfc2898DeriveBytes.Pbkdf2(secret, SlowParameters.Salt.AsSpan(), SlowParameters.Iterations, HashAlgorithmName.SHA256, SlowParameters.OutputBytes);

    private static SlowHashParameters SlowParameters { get; } = new(SlowHashAlgorithm.Pbkdf2Sha256, [1, 2, 3, 4, 5, 6, 7, 8], 1_000, 0, 0, 32);

    public static CreateClientCommand Creation(JsonObject document, params NewSecret[] secrets) => new()
    {
        DocumentJson = document.ToJsonString(),
        Secrets = secrets.Length == 0 ? [SecretOf(Secret)] : [.. secrets],
        Actor = Actor(),
        CreatedAt = new DateTimeOffset(2026, 5, 15, 10, 0, 0, TimeSpan.Zero),
    };

    /// <summary>Creates a client, which must succeed.</summary>
    public static async Task<string> CreateAsync(this Cluster.GrainCluster cluster, JsonObject document, params NewSecret[] secrets)
    {
        var id = NewId();
        var answer = await cluster.Client(id).CreateAsync(Creation(document, secrets), Cancellation);
        Assert.Equal(ClientOutcome.Done, answer.Outcome);
        return id;
    }

    public static PresentedSecret Present(string secret = Secret, AuthMethod method = AuthMethod.ClientSecretBasic, params SlowHashProof[] proofs) =>
        new(Digest(secret), method, [.. proofs]);

    public static IssueTokenCommand Ask(PresentedSecret? secret = null, string? scope = null, string[]? audiences = null, string[]? resources = null) =>
        new(secret ?? Present(), scope is not null, scope is null ? [] : [.. scope.Split(' ')], [.. audiences ?? []], [.. resources ?? []]);

    /// <summary>Asks for a decision.</summary>
    public static Task<IssueTokenAnswer> AskAsync(this Cluster.GrainCluster cluster, string id, IssueTokenCommand? command = null) =>
        cluster.Client(id).IssueTokenAsync(command ?? Ask());

    /// <summary>How many of so many requests in a row are allowed.</summary>
    public static async Task<int> AllowedOfAsync(this Cluster.GrainCluster cluster, string id, int requests)
    {
        var allowed = 0;
        for (var i = 0; i < requests; i++)
        {
            allowed += (await cluster.AskAsync(id)).Kind == DecisionKind.Allowed ? 1 : 0;
        }

        return allowed;
    }

    /// <summary>Waits until a client's row has the fast hash of so many secrets.</summary>
    public static Task HasFastHashesAsync(this Cluster.GrainCluster cluster, string id, int secrets) => TestKit.Eventually.HoldsAsync(
        $"{secrets} fast hashes are stored",
        TimeSpan.FromSeconds(10),
        async () => JsonNode.Parse(await cluster.RowAsync(id))!["secrets"]!.AsArray().Count(secret => secret!["mac"] is not null) == secrets,
        Cancellation);
}
