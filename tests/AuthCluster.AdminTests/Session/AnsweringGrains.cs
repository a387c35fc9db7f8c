using System.Reflection;
using System.Security.Cryptography;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AuthCluster.AdminTests.Session;

/// <summary>The admin API in this process over grains that store every change, which holds everywhere or not, as the test says.</summary>
internal sealed class AnsweringGrains : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new();
    private IdempotencyChoice? _choice;

    public AnsweringGrains()
    {
        var grains = ProxyOf(typeof(IGrainFactory), (method, _) =>
            ProxyOf(method.IsGenericMethod ? method.GetGenericArguments()[0] : typeof(IClientGrain), (called, arguments) =>
            {
                Calls.Add((called.Name, arguments[0]));
                return AnswerOf(called, arguments);
            }));
        _app = AdminAlone.Build(builder =>
        {
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Services.AddSingleton((IGrainFactory)grains);
        });
    }

    /// <summary>For how long a change is not confirmed; null when it holds everywhere.</summary>
    public TimeSpan? UnconfirmedFor { get; set; }

    /// <summary>Whether what a change is about is not there any more.</summary>
    public bool IsGone { get; set; }

    /// <summary>The silos.</summary>
    public ClusterAnswer Cluster { get; set; } = new([]);

    /// <summary>How the word of an operator is taken.</summary>
    public VouchEndedOutcome Vouched { get; set; }

    /// <summary>The methods that were called, with their first arguments.</summary>
    public List<(string Method, object? Argument)> Calls { get; } = [];

    /// <summary>Starts it.</summary>
    /// <returns>A caller with the scope of an administrator.</returns>
    public async Task<AdminCaller> StartAsync()
    {
        var keys = _app.Services.GetRequiredService<KeyRing>();
        keys.Update(new KeySnapshotRecord([NewKey()], 0));
        await _app.StartAsync(TestContext.Current.CancellationToken);
        _http.BaseAddress = new Uri(_app.Urls.First());
        var token = _app.Services.GetRequiredService<TokenSigner>().Sign("boss", new TokenGrant
        {
            Scope = "authcluster:admin",
            Audiences = ["http://localhost:8080"],
            LifetimeSeconds = 3_600,
            Generation = 1,
        });
        return new AdminCaller(_http, token.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    private object AnswerOf(MethodInfo method, object?[] arguments) => method.Name switch
    {
        nameof(IClientGrain.CheckTokenAsync) => Task.FromResult(new CheckTokenAnswer(TokenStanding.Active)),
        nameof(IClientGrain.PatchAsync) => Task.FromResult(new PatchClientAnswer(Stored, [])),
        nameof(ICatalogueGrain.LastUsesAsync) => Task.FromResult(new LastUsesAnswer(true, [])),
        nameof(IIdempotencyGrain.ChooseAsync) => Task.FromResult(new IdempotencyAnswer(_choice ??= (IdempotencyChoice)arguments[0]!)),
        nameof(IIdempotencyGrain.ForgetAsync) => Task.FromResult(new ForgetAnswer(true)),
        nameof(IKeyRingGrain.RaiseFloorAsync) => Task.FromResult(new RaiseFloorAnswer(true, 1, UnconfirmedFor)),
        nameof(IClusterGrain.DescribeAsync) => Task.FromResult(Cluster),
        nameof(IClusterGrain.VouchEndedAsync) => Task.FromResult(new VouchEndedAnswer(Vouched)),
        _ when method.ReturnType == typeof(Task<ClientAnswer>) => Task.FromResult(Stored),
        var other => throw new NotSupportedException(other),
    };

    private ClientAnswer Stored => new()
    {
        Outcome = ClientOutcome.Done,
        Client = IsGone ? null : new ClientView
        {
            ClientId = "orders",
            DocumentJson = """{ "clientId": "orders" }""",
            Enabled = true,
            ETag = "2-a",
            CreatedAt = DateTimeOffset.UnixEpoch,
            UpdatedAt = DateTimeOffset.UnixEpoch,
        },
        ETag = "2-a",
        UnconfirmedFor = UnconfirmedFor,
    };

    private static SigningKeyRecord NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SigningKeyRecord
        {
            Kid = "one",
            Algorithm = "ES256",
            State = SigningKeyState.Active,
            WrappedPrivateKey = [.. KeyWrap.Wrap(
                new byte[KeyWrap.KeyBytes], KeyWrap.SigningKeyKind, "one", key.ExportPkcs8PrivateKey(), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes))],
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
    }

    private static object ProxyOf(Type type, Func<MethodInfo, object?[], object> answer)
    {
        var proxy = DispatchProxy.Create(type, typeof(Proxy));
        ((Proxy)proxy).Answer = answer;
        return proxy;
    }

#pragma warning disable CA1852 // A dispatch proxy derives from it.
    private class Proxy : DispatchProxy
#pragma warning restore CA1852
    {
        public Func<MethodInfo, object?[], object>? Answer { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Answer!(targetMethod!, args!);
    }
}
