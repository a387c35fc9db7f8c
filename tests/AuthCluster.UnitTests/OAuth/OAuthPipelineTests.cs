using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Clients;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Keys;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>What happens to a request before and after its endpoint has decided.</summary>
public sealed class OAuthPipelineTests : IDisposable
{
    // One more than there are slots.
    private const int Requests = 2_001;

    private readonly FakeTimeProvider _clock = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeLoggerProvider _log = new();
    private readonly MetricCollector<long> _counted;
    private readonly RefusalPacer _pacer;
    private readonly RefusalLog _refusals;
    private readonly OAuthPipeline _pipeline;

    public OAuthPipelineTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new MetricCollector<long>(meters, "AuthCluster.Tokens", "authcluster.token.requests");
        _pacer = new RefusalPacer(_clock);
        _refusals = new RefusalLog(_clock, NullLoggerFactory.Instance);
        var retry = new CallRetry(new CallMetrics(meters), _clock, NullLogger<CallRetry>.Instance);
        var grains = DispatchProxy.Create<IGrainFactory, Scripted>();
        var authority = new ClientAuthority(grains, retry, new SlowHashGate(_clock), CallTimeouts.ForSilo, _clock);
        var loggers = new Loggers(_log);
        _pipeline = new OAuthPipeline(
            authority, new KeyRing(default), _pacer, new Admission(_clock), new OAuthTelemetry(new TokenMetrics(meters), _refusals, _clock, loggers), _clock);
    }

    [Fact]
    public async Task A_slot_is_given_back_whether_a_request_is_answered_refused_or_fails()
    {
        for (var i = 0; i < Requests; i++)
        {
            Assert.Equal(200, await StatusOfAsync(_ => new JsonAnswer("{}"u8.ToArray())));
            Assert.Equal(400, await StatusOfAsync(_ => new OAuthRefusal(OAuthError.MissingToken)));
            await Assert.ThrowsAsync<InvalidOperationException>(() => StatusOfAsync(_ => throw new InvalidOperationException()));
        }
    }

    [Fact]
    public async Task Without_a_slot_a_request_is_a_503_that_says_when_to_come_back_and_its_endpoint_does_not_see_it()
    {
        var never = new TaskCompletionSource<IOAuthAnswer>();
        for (var i = 1; i < Requests; i++)
        {
            _ = _pipeline.HandleAsync(Post(), new Endpoint(OAuthEndpointKind.Caller, _pipeline, (_, _) => never.Task));
        }

        var context = Post();
        await _pipeline.HandleAsync(context, new Endpoint(OAuthEndpointKind.Caller, _pipeline, (_, _) => throw new InvalidOperationException()));

        Assert.Equal(503, context.Response.StatusCode);
        Assert.Equal("1", context.Response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Token_requests_alone_are_counted_each_once_by_its_outcome()
    {
        await StatusOfAsync(_ => new JsonAnswer("{}"u8.ToArray()), OAuthEndpointKind.Token);
        await StatusOfAsync(_ => new OAuthRefusal(OAuthError.ScopeNotAllowed), OAuthEndpointKind.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => StatusOfAsync(_ => throw new InvalidOperationException(), OAuthEndpointKind.Token));
        await StatusOfAsync(_ => new JsonAnswer("{}"u8.ToArray()));

        Assert.Equal(["issued", "invalid_scope", "server_error"], _counted.GetMeasurementSnapshot().Select(measured => measured.Tags["outcome"]));
    }

    [Theory]
    [InlineData(CallerStanding.Unknown, "s...(12)")]
    [InlineData(CallerStanding.Named, "some-client1")]
    [InlineData(CallerStanding.Proven, "some-client1")]
    public async Task A_refusal_names_its_client_in_full_only_when_the_client_exists(CallerStanding standing, string name)
    {
        await StatusOfAsync(exchange =>
        {
            exchange.Standing = standing;
            return new OAuthRefusal(OAuthError.ScopeNotAllowed);
        });

        Assert.Contains($"refused to client {name}: invalid_scope", Assert.Single(_log.Collector.GetSnapshot()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_authentication_is_held_until_its_tick_and_another_refusal_is_not()
    {
        Assert.Equal(400, await StatusOfAsync(_ => new OAuthRefusal(OAuthError.ScopeNotAllowed)));

        var held = StatusOfAsync(_ => new OAuthRefusal(OAuthError.ClientAuthenticationFailed));
        _clock.Advance(TimeSpan.FromMilliseconds(19));
        Assert.False(held.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(401, await held);
    }

    public void Dispose()
    {
        _counted.Dispose();
        _pacer.Dispose();
        _refusals.Dispose();
        _log.Dispose();
        _services.Dispose();
    }

    private async Task<int> StatusOfAsync(Func<OAuthExchange, IOAuthAnswer> answer, OAuthEndpointKind kind = OAuthEndpointKind.Caller)
    {
        var context = Post();
        await _pipeline.HandleAsync(context, new Endpoint(kind, _pipeline, (exchange, _) => Task.FromResult(answer(exchange))));
        return context.Response.StatusCode;
    }

    private static DefaultHttpContext Post()
    {
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Post;
        context.Request.ContentType = "application/x-www-form-urlencoded";
        context.Request.Body = new MemoryStream(Encoding.ASCII.GetBytes("token=abc&client_id=some-client1&client_secret=a+secret"));
        return context;
    }

    /// <summary>An endpoint that reads a form and then does what a test says.</summary>
    private sealed class Endpoint(OAuthEndpointKind kind, OAuthPipeline pipeline, Func<OAuthExchange, TokenArgument, Task<IOAuthAnswer>> answer) : IOAuthEndpoint
    {
        public OAuthEndpointKind Kind => kind;

        public async Task<IOAuthAnswer> AnswerAsync(OAuthExchange exchange)
        {
            var parsed = await pipeline.ReadFormAsync(exchange, OAuthPipeline.MaxTokenFormBytes, static (in FormInput form) => TokenArgumentParser.Parse(form));
            return parsed.Succeeded ? await answer(exchange, parsed.Request) : new OAuthRefusal(parsed.Error);
        }
    }

    private sealed class Loggers(FakeLoggerProvider log) : Microsoft.Extensions.Logging.ILoggerFactory
    {
        public void AddProvider(Microsoft.Extensions.Logging.ILoggerProvider provider)
        {
        }

        public Microsoft.Extensions.Logging.ILogger CreateLogger(string categoryName) => log.CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }
}
