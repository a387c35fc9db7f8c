using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.ClientTests.Servers;

/// <summary>What a token request asked for.</summary>
internal sealed record SeenRequest(string ClientId, string Secret, IReadOnlyDictionary<string, string> Form, string Method);

/// <summary>An authorization server over real HTTP with real signatures, whose behaviour a test sets.</summary>
internal sealed class FakeIssuer : IAsyncDisposable
{
    public const string ClientId = "orders";

    /// <summary>The id that is registered.</summary>
    public string RegisteredId { get; set; } = ClientId;

    private readonly TimeProvider _clock;
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Func<HttpContext, Task<bool>>> _tokenScript = new();
    private readonly List<(long Position, object Item)> _feed = [];
    private TaskCompletionSource _feedChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _metadataRequests;
    private int _keyRequests;
    private int _introspections;
    private int _feedRequests;

    private FakeIssuer(TimeProvider clock, WebApplication app, FaultyListener listener)
    {
        _clock = clock;
        _app = app;
        Listener = listener;
    }

    /// <summary>The listener of its connections, which a test can make faulty.</summary>
    public FaultyListener Listener { get; }

    /// <summary>The address, without a slash at its end, which is also the issuer.</summary>
    public string Issuer => _app.Urls.First();

    public ConcurrentQueue<SeenRequest> TokenRequests { get; } = new();

    public ConcurrentQueue<string> FeedQueries { get; } = new();

    /// <summary>The secrets that are good.</summary>
    public ConcurrentDictionary<string, bool> Secrets { get; } = new(StringComparer.Ordinal) { ["s3cret:with%odd/chars+"] = true };

    public string Secret => Secrets.Keys.First();

    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>While set, every connection is cut without an answer.</summary>
    public bool IsDown { get; set; }

    public string MetadataIssuer { get; set; } = "";

    public SigningCredentials SigningKey { get; private set; } = NewKey("k1");

    /// <summary>Replaced as a whole, since a request may read it meanwhile.</summary>
    public IReadOnlyList<SecurityKey> PublishedKeys { get; set; } = [];

    public ConcurrentDictionary<string, bool> InactiveTokens { get; } = new(StringComparer.Ordinal);

    public long Generation { get; set; } = 100;

    public int MetadataRequests => Volatile.Read(ref _metadataRequests);

    public int KeyRequests => Volatile.Read(ref _keyRequests);

    public int Introspections => Volatile.Read(ref _introspections);

    public int FeedRequests => Volatile.Read(ref _feedRequests);

    /// <summary>What the feed answers at once to each request, by its number.</summary>
    public Func<int, string>? FeedAlways { get; set; }

    /// <summary>The token endpoint that the metadata name, when it is not on this server.</summary>
    public string? TokenEndpoint { get; set; }

    /// <summary>Whether the metadata name no endpoint, as when a server is only half configured.</summary>
    public bool NamesNoEndpoint { get; set; }

    /// <summary>Members of the metadata that differ from the usual ones.</summary>
    public ConcurrentDictionary<string, object?> MetadataMembers { get; } = new(StringComparer.Ordinal);

    /// <summary>Further entries in the set of published keys.</summary>
    public ConcurrentQueue<object?> OtherKeys { get; } = new();

    /// <summary>Answers a request for the keys in place of the usual answer; false leaves the request to the usual answer.</summary>
    public Func<HttpResponse, bool>? KeysInstead { get; set; }

    /// <summary>Completes when a feed request is being held.</summary>
    public AsyncSignal FeedHeld { get; } = new();

    public static async Task<FakeIssuer> StartAsync(TimeProvider clock, HttpProtocols protocols = HttpProtocols.Http1)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var listener = new FaultyListener();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = protocols;
            listen.Use(listener.Attach);
        }));
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var issuer = new FakeIssuer(clock, app, listener);
        issuer.PublishedKeys = [issuer.SigningKey.Key];
        app.Run(issuer.HandleAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return issuer;
    }

    /// <summary>
    /// Sets the answer to the next token request, which is given before credentials are checked; several answers are used in order.
    /// </summary>
    public void NextToken(Func<HttpContext, Task> answer) => _tokenScript.Enqueue(async context =>
    {
        await answer(context);
        return true;
    });

    public void NextToken(int status, string body, string? retryAfter = null) => NextToken(async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        await context.Response.WriteAsync(body);
    });

    /// <summary>Lets the next token request wait for a signal before it is answered as usual.</summary>
    public TaskCompletionSource HoldNextToken(AsyncSignal? arrived = null)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _tokenScript.Enqueue(async _ =>
        {
            arrived?.Set();
            await gate.Task;
            return false;
        });
        return gate;
    }

    /// <summary>Signs with a new key; the old one stays published unless withdrawn.</summary>
    public void Rotate(string kid, bool withdrawOld = false, SigningCredentials? key = null)
    {
        SigningKey = key ?? NewKey(kid);
        PublishedKeys = withdrawOld ? [SigningKey.Key] : [.. PublishedKeys, SigningKey.Key];
    }

    public void Publish(string kind, string? value = null, long? gen = null)
    {
        lock (_feed)
            _feed.Add((_feed.Count + 1, new { kind, value, gen, expiresAt = _clock.GetUtcNow().AddHours(1) }));
        Interlocked.Exchange(ref _feedChanged, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>A token as the server makes it, with the changes that a test wants.</summary>
    public string Mint(Action<SecurityTokenDescriptor>? change = null, string? scope = "read write")
    {
        var now = _clock.GetUtcNow().UtcDateTime;
        var descriptor = new SecurityTokenDescriptor
        {
            TokenType = "at+jwt",
            SigningCredentials = SigningKey,
            Issuer = Issuer,
            Audience = "https://api.example",
            IssuedAt = now,
            Expires = now + Lifetime,
            Claims = new Dictionary<string, object>
            {
                ["sub"] = ClientId,
                ["client_id"] = ClientId,
                ["jti"] = Convert.ToHexString(RandomNumberGenerator.GetBytes(16)),
                ["gen"] = Generation,
            },
        };
        if (scope is not null)
            descriptor.Claims["scope"] = scope;
        change?.Invoke(descriptor);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(descriptor);
    }

    public static SigningCredentials NewKey(string kid) =>
        new(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = kid }, SecurityAlgorithms.EcdsaSha256);

    public static SigningCredentials NewRsaKey(string kid, string algorithm) => new(new RsaSecurityKey(RSA.Create(2048)) { KeyId = kid }, algorithm);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        if (IsDown)
        {
            context.Abort();
            return;
        }

        await (context.Request.Path.Value switch
        {
            "/oauth/token" => TokenAsync(context),
            "/oauth/introspect" => IntrospectAsync(context),
            "/oauth/revocations" => FeedAsync(context),
            "/.well-known/oauth-authorization-server" or "/.well-known/openid-configuration" => MetadataAsync(context),
            "/.well-known/jwks.json" => KeysAsync(context),
            _ => Task.FromResult(context.Response.StatusCode = 404),
        });
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = (await context.Request.ReadFormAsync()).ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        var (id, secret, method) = Credentials(context, form);
        TokenRequests.Enqueue(new SeenRequest(id, secret, form, method));
        if (_tokenScript.TryDequeue(out var step) && await step(context))
            return;
        if (id != RegisteredId || !Secrets.ContainsKey(secret))
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"authcluster\"";
            await context.Response.WriteAsJsonAsync(new { error = "invalid_client", error_description = "Client authentication failed" });
            return;
        }

        var scope = form.GetValueOrDefault("scope", "read write");
        await context.Response.WriteAsJsonAsync(new
        {
            access_token = Mint(descriptor => descriptor.Audience = form.GetValueOrDefault("audience", "https://api.example"), scope),
            token_type = "Bearer",
            expires_in = (long)Lifetime.TotalSeconds,
            scope,
        });
    }

    private static (string Id, string Secret, string Method) Credentials(HttpContext context, Dictionary<string, string> form)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Basic ", StringComparison.Ordinal))
            return (form.GetValueOrDefault("client_id", ""), form.GetValueOrDefault("client_secret", ""), "post");
        var parts = Encoding.UTF8.GetString(Convert.FromBase64String(header["Basic ".Length..])).Split(':', 2);
        return (Uri.UnescapeDataString(parts[0].Replace('+', ' ')), Uri.UnescapeDataString(parts[1].Replace('+', ' ')), "basic");
    }

    private async Task IntrospectAsync(HttpContext context)
    {
        Interlocked.Increment(ref _introspections);
        var form = await context.Request.ReadFormAsync();
        if (!Secrets.ContainsKey(Credentials(context, []).Secret))
        {
            context.Response.StatusCode = 401;
            return;
        }

        await context.Response.WriteAsJsonAsync(new { active = !InactiveTokens.ContainsKey(form["token"].ToString()) });
    }

    private async Task FeedAsync(HttpContext context)
    {
        Interlocked.Increment(ref _feedRequests);
        FeedQueries.Enqueue(context.Request.QueryString.Value ?? "");
        if (FeedAlways is { } answer)
        {
            await context.Response.WriteAsync(answer(FeedRequests));
            return;
        }

        if (!Secrets.ContainsKey(Credentials(context, []).Secret))
        {
            context.Response.StatusCode = 401;
            return;
        }

        var after = long.TryParse(context.Request.Query["after"], out var position) ? position : 0;
        var wait = TimeSpan.FromSeconds(int.Parse(context.Request.Query["wait"].ToString(), System.Globalization.CultureInfo.InvariantCulture));
        var changed = Volatile.Read(ref _feedChanged).Task;
        var items = ItemsAfter(after);
        if (items.Length == 0 && wait > TimeSpan.Zero)
        {
            var end = Task.Delay(wait, _clock, context.RequestAborted);
            FeedHeld.Set();
            await Task.WhenAny(changed, end);
            if (IsDown)
            {
                context.Abort();
                return;
            }

            items = ItemsAfter(after);
        }

        // Pages of two, so that reading from the beginning takes several.
        var page = items.Take(2).ToArray();
        var next = page.Length == 0 ? after : page[^1].Position;
        await context.Response.WriteAsJsonAsync(new { items = page.Select(entry => entry.Item), next = next.ToString(System.Globalization.CultureInfo.InvariantCulture) });
    }

    /// <summary>Ends the feed requests that are being held, as a broken connection or a stopping server does.</summary>
    public void CutHeldFeed()
    {
        IsDown = true;
        Interlocked.Exchange(ref _feedChanged, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    private (long Position, object Item)[] ItemsAfter(long after)
    {
        lock (_feed)
            return [.. _feed.Where(entry => entry.Position > after)];
    }

    private Task MetadataAsync(HttpContext context)
    {
        Interlocked.Increment(ref _metadataRequests);
        if (NamesNoEndpoint)
            return context.Response.WriteAsJsonAsync(new { issuer = Issuer });
        var members = new Dictionary<string, object?>
        {
            ["issuer"] = MetadataIssuer.Length == 0 ? Issuer : MetadataIssuer,
            ["token_endpoint"] = TokenEndpoint ?? Issuer + "/oauth/token",
            ["introspection_endpoint"] = Issuer + "/oauth/introspect",
            ["jwks_uri"] = Issuer + "/.well-known/jwks.json",
            ["grant_types_supported"] = new[] { "client_credentials" },
        };
        foreach (var (name, value) in MetadataMembers)
            members[name] = value;
        return context.Response.WriteAsJsonAsync(members);
    }

    private Task KeysAsync(HttpContext context)
    {
        Interlocked.Increment(ref _keyRequests);
        if (KeysInstead?.Invoke(context.Response) == true)
            return Task.CompletedTask;
        var keys = PublishedKeys.Select(JsonWebKeyConverter.ConvertFromSecurityKey).Select(jwk => jwk.Kty == "EC"
            ? (object)new { kty = jwk.Kty, use = "sig", alg = "ES256", kid = jwk.Kid, crv = jwk.Crv, x = jwk.X, y = jwk.Y }
            : new { kty = jwk.Kty, use = "sig", kid = jwk.Kid, n = jwk.N, e = jwk.E });
        return context.Response.WriteAsJsonAsync(new { keys = OtherKeys.Concat(keys) });
    }
}
