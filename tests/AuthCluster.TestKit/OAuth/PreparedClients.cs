using System.Globalization;
using System.Text.Json.Nodes;

namespace AuthCluster.TestKit.OAuth;

/// <summary>The clients that the shared server knows. A test that spends a limit or a quota has a client of its own here.</summary>
public static class PreparedClients
{
    /// <summary>The usual client: scopes <c>read</c>, <c>write</c>, <c>reports:run</c>, all by default; no limit, no audience of its own.</summary>
    public static readonly TestClient Usual = TestClient.New("usual");

    /// <summary>Another usual client, for comparisons between clients.</summary>
    public static readonly TestClient Other = TestClient.New("other");

    /// <summary>Scopes <c>read</c>, <c>write</c>, <c>delete</c>, of which <c>write</c> and <c>read</c> are the default.</summary>
    public static readonly TestClient WithDefaults = TestClient.New("with-defaults");

    /// <summary>Scopes, but none by default.</summary>
    public static readonly TestClient WithoutDefaults = TestClient.New("without-defaults");

    /// <summary>No scope at all.</summary>
    public static readonly TestClient WithoutScopes = TestClient.New("without-scopes");

    /// <summary>Registered, and disabled.</summary>
    public static readonly TestClient Disabled = TestClient.New("disabled");

    /// <summary>May use no grant.</summary>
    public static readonly TestClient WithoutGrants = TestClient.New("without-grants");

    /// <summary>May authenticate by Basic alone.</summary>
    public static readonly TestClient BasicOnly = TestClient.New("basic-only");

    /// <summary>May authenticate in the body alone.</summary>
    public static readonly TestClient PostOnly = TestClient.New("post-only");

    /// <summary>Audiences: two URIs and the name <c>inventory</c>.</summary>
    public static readonly TestClient WithAudiences = TestClient.New("with-audiences");

    /// <summary>A lifetime of 90 seconds and claims of its own.</summary>
    public static readonly TestClient WithClaims = TestClient.New("with-claims");

    /// <summary>May have <c>authcluster:read</c>, and <c>read</c> for an audience of its own.</summary>
    public static readonly TestClient Operator = TestClient.New("operator");

    /// <summary>May have <c>authcluster:admin</c>.</summary>
    public static readonly TestClient Administrator = TestClient.New("administrator");

    /// <summary>Several secrets; this one is valid without an end.</summary>
    public static readonly TestClient Rotating = TestClient.New("rotating");

    /// <summary>The second valid secret of <see cref="Rotating"/>, which ends in an hour.</summary>
    public static readonly TestClient RotatingToo = TestClient.New("rotating");

    /// <summary>A secret of <see cref="Rotating"/> that has ended.</summary>
    public static readonly TestClient RotatedOut = TestClient.New("rotating");

    /// <summary>A secret of <see cref="Rotating"/> that begins in an hour.</summary>
    public static readonly TestClient RotatingSoon = TestClient.New("rotating");

    /// <summary>A secret that a person chose, with every character that Basic and forms treat specially.</summary>
    public static readonly TestClient Given = new("given", "a:b+c%20d/e=f &g\"h\\i~");

    /// <summary>A burst of 5, then nothing for a hundred seconds.</summary>
    public static readonly TestClient Limited = TestClient.New("limited");

    /// <summary>As <see cref="Limited"/>, for another test.</summary>
    public static readonly TestClient LimitedToo = TestClient.New("limited-too");

    /// <summary>The same limit, which only observes.</summary>
    public static readonly TestClient LimitObserved = TestClient.New("limit-observed");

    /// <summary>A quota of 3 tokens a month.</summary>
    public static readonly TestClient Quota = TestClient.New("quota");

    /// <summary>The same quota, which only observes.</summary>
    public static readonly TestClient QuotaObserved = TestClient.New("quota-observed");

    /// <summary>The API of the audience <c>inventory</c>, which <see cref="WithAudiences"/> has.</summary>
    public static readonly TestClient Inventory = TestClient.New("inventory-api");

    /// <summary>May ask about every token: registered with <c>authcluster:introspect</c>.</summary>
    public static readonly TestClient Inspector = TestClient.New("inspector");

    /// <summary>Gets the same token again for half a minute.</summary>
    public static readonly TestClient Reusing = TestClient.New("reusing");

    private static readonly TestClient[] Counted = [Limited, LimitedToo, LimitObserved, Quota, QuotaObserved];
    private static readonly TestClient[] SecretsOfRotating = [Rotating, RotatingToo, RotatedOut, RotatingSoon];

    /// <summary>Every secret that is registered.</summary>
    public static IEnumerable<TestClient> All =>
    [
        Usual, Other, WithDefaults, WithoutDefaults, WithoutScopes, Disabled, WithoutGrants, BasicOnly, PostOnly, WithAudiences,
        WithClaims, Operator, Administrator, .. SecretsOfRotating, Given, .. Counted,
        Inventory, Inspector, Reusing,
    ];

    /// <summary>Whether a test counts each token of this client, so that no other test may use the client.</summary>
    public static bool IsCounted(TestClient client) => Counted.Contains(client);

    /// <summary>The file for <c>Bootstrap:ClientsFile</c>.</summary>
    public static string File()
    {
        var now = DateTimeOffset.UtcNow;
        return ClientDocument.File(
            ClientDocument.For(Usual, new() { ["scopes"] = List("read", "write", "reports:run") }),
            ClientDocument.For(Other, new() { ["scopes"] = List("read", "write") }),
            ClientDocument.For(WithDefaults, new() { ["scopes"] = List("read", "write", "delete"), ["defaultScopes"] = List("write", "read") }),
            ClientDocument.For(WithoutDefaults, new() { ["scopes"] = List("read", "write"), ["defaultScopes"] = List() }),
            ClientDocument.For(WithoutScopes),
            ClientDocument.For(Disabled, new() { ["scopes"] = List("read"), ["enabled"] = false }),
            ClientDocument.For(WithoutGrants, new() { ["grantTypes"] = List() }),
            ClientDocument.For(BasicOnly, new() { ["authMethods"] = List("client_secret_basic") }),
            ClientDocument.For(PostOnly, new() { ["authMethods"] = List("client_secret_post") }),
            ClientDocument.For(WithAudiences, new()
            {
                ["scopes"] = List("read"),
                ["audiences"] = List("https://one.example/api", "https://two.example/api?v=2", "inventory"),
            }),
            ClientDocument.For(WithClaims, new()
            {
                ["scopes"] = List("read"),
                ["tokenLifetimeSeconds"] = 90,
                ["claims"] = JsonNode.Parse("""{ "tenant": "Ünited \"quotes\" & <tags>", "tier": 3, "flags": [true, 1.5, "x"], "address": { "city": "Zürich" } }"""),
            }),
            ClientDocument.For(Operator, new() { ["scopes"] = List("authcluster:read", "read"), ["defaultScopes"] = List("read"), ["audiences"] = List("inventory") }),
            ClientDocument.For(Administrator, new() { ["scopes"] = List("authcluster:admin") }),
            ClientDocument.For(Rotating, new()
            {
                ["scopes"] = List("read"),
                ["secrets"] = new JsonArray(
                    new JsonObject { ["secret"] = Rotating.Secret, ["label"] = "the first" },
                    new JsonObject { ["secret"] = RotatingToo.Secret, ["expiresAt"] = Time(now.AddHours(1)) },
                    new JsonObject { ["secret"] = RotatedOut.Secret, ["expiresAt"] = Time(now.AddMinutes(-1)) },
                    new JsonObject { ["secret"] = RotatingSoon.Secret, ["notBefore"] = Time(now.AddHours(1)) }),
            }),
            ClientDocument.For(Given, new() { ["scopes"] = List("read", "write") }),
            ClientDocument.For(Limited, new() { ["scopes"] = List("read"), ["rateLimit"] = Limit() }),
            ClientDocument.For(LimitedToo, new() { ["scopes"] = List("read"), ["rateLimit"] = Limit() }),
            ClientDocument.For(LimitObserved, new() { ["scopes"] = List("read"), ["rateLimit"] = Limit(enforce: false) }),
            ClientDocument.For(Quota, new() { ["scopes"] = List("read"), ["quota"] = Month(3) }),
            ClientDocument.For(QuotaObserved, new() { ["scopes"] = List("read"), ["quota"] = Month(3, enforce: false) }),
            ClientDocument.For(Inventory, new() { ["introspects"] = List("inventory") }),
            ClientDocument.For(Inspector, new() { ["scopes"] = List("authcluster:introspect"), ["defaultScopes"] = List() }),
            ClientDocument.For(Reusing, new() { ["scopes"] = List("read"), ["tokenReuseSeconds"] = 30 }));
    }

    private static JsonArray List(params string[] values) => new([.. values.Select(value => (JsonNode)value)]);

    private static JsonObject Limit(bool enforce = true) => new() { ["tokensPerSecond"] = 0.01, ["burst"] = 5, ["enforce"] = enforce };

    private static JsonObject Month(long tokens, bool enforce = true) => new() { ["tokens"] = tokens, ["per"] = "month", ["enforce"] = enforce };

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
