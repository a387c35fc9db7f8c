using System.Reflection;
using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Keys;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Metadata;
using AuthCluster.UnitTests.Keys;
using AuthCluster.Web;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Introspection;
using AuthCluster.Web.Keys;
using AuthCluster.Web.OAuth;
using AuthCluster.Web.Revocation;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>An endpoint signs and judges no token while the process may not use its keys. The grains allow everything.</summary>
public sealed class KeysInUseTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Deadline = 8 * Second;

    private readonly FakeTimeProvider _clock = new();
    private readonly TestKeys _keys = new();
    private readonly KeySnapshotRecord _snapshot;
    private readonly ServiceProvider _services;

    public KeysInUseTests()
    {
        Assert.True(IssuerUri.TryParse("https://auth.example.com", out var issuer, out _));
        var services = new ServiceCollection().AddLogging().AddMetrics();
        services.AddSingleton<TimeProvider>(_clock);
        services.AddSingleton(CallTimeouts.ForFrontEnd);
        services.AddSingleton(GrainsThatAllow());
        services.AddAuthClusterWeb(issuer, _keys.Ring);
        _services = services.BuildServiceProvider();
        _keys.Ring.UseRight(Lease);
        _snapshot = _keys.Snapshot("one");
    }

    public static TheoryData<string> Endpoints => [nameof(TokenEndpoint), nameof(IntrospectionEndpoint), nameof(RevocationEndpoint)];

    private KeyLease Lease => _services.GetRequiredService<KeyLease>();

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_request_is_a_503_at_its_deadline_when_no_new_lease_has_come(string endpoint)
    {
        Lend();
        _clock.Advance(Second);
        var context = Post();

        var handling = HandleAsync(endpoint, context);
        _clock.Advance(Deadline - TimeSpan.FromMilliseconds(1));
        Assert.False(handling.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await handling;

        Assert.Equal(503, context.Response.StatusCode);
        Assert.Equal("1", context.Response.Headers.RetryAfter);
        Assert.Contains("temporarily_unavailable", BodyOf(context), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_request_that_waits_for_a_lease_is_answered_when_it_comes(string endpoint)
    {
        var context = Post();

        var handling = HandleAsync(endpoint, context);
        _clock.Advance(3 * Second);
        Assert.False(handling.IsCompleted);
        Lend();
        await handling;

        Assert.Equal(200, context.Response.StatusCode);
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_request_within_a_lease_is_answered_at_once(string endpoint)
    {
        Lend();
        var context = Post();

        await HandleAsync(endpoint, context);

        Assert.Equal(200, context.Response.StatusCode);
    }

    public void Dispose() => _services.Dispose();

    private void Lend() => Lease.Renew(new KeyLeaseAnswer(_snapshot, Second), _clock.GetTimestamp());

    private Task HandleAsync(string endpoint, HttpContext context) => _services.GetRequiredService<OAuthPipeline>().HandleAsync(context, endpoint switch
    {
        nameof(TokenEndpoint) => _services.GetRequiredService<TokenEndpoint>(),
        nameof(IntrospectionEndpoint) => _services.GetRequiredService<IntrospectionEndpoint>(),
        _ => _services.GetRequiredService<RevocationEndpoint>(),
    });

    private static DefaultHttpContext Post()
    {
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Post;
        context.Request.ContentType = "application/x-www-form-urlencoded";
        context.Request.Body = new MemoryStream(Encoding.ASCII.GetBytes("grant_type=client_credentials&client_id=orders&client_secret=0123456789abcdef&token=x"));
        context.Response.Body = new MemoryStream();
        return context;
    }

    private static string BodyOf(HttpContext context) => Encoding.UTF8.GetString(((MemoryStream)context.Response.Body).ToArray());

    private static IGrainFactory GrainsThatAllow()
    {
        var grain = DispatchProxy.Create<IClientGrain, AllowingGrain>();
        var grains = DispatchProxy.Create<IGrainFactory, Scripted>();
        ((Scripted)(object)grains).Answer = () => grain;
        return grains;
    }

#pragma warning disable CA1852 // A dispatch proxy derives from it.
    private class AllowingGrain : DispatchProxy
#pragma warning restore CA1852
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(IClientGrain.IssueTokenAsync) => Task.FromResult(new IssueTokenAnswer
            {
                Kind = DecisionKind.Allowed,
                Grant = new TokenGrant { Scope = "read", Audiences = ["https://api.example.com"], LifetimeSeconds = 60, Generation = 1 },
            }),
            nameof(IClientGrain.AuthenticateAsync) => Task.FromResult(new AuthenticateAnswer { Kind = DecisionKind.Allowed }),
            var other => throw new NotSupportedException(other),
        };
    }
}
