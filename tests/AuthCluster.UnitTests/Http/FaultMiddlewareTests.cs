using System.Text;
using System.Text.Json;
using AuthCluster.Web.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Testing;

namespace AuthCluster.UnitTests.Http;

/// <summary>A bug of the server: what the caller sees of it, and what the operator sees.</summary>
public sealed class FaultMiddlewareTests
{
    [Fact]
    public async Task A_bug_is_a_500_with_an_id_and_no_detail_and_is_logged_once_with_the_same_id()
    {
        var log = new FakeLogger<FaultMiddleware>();
        var context = new DefaultHttpContext { TraceIdentifier = "id-of-the-request" };
        using var body = new MemoryStream();
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        var faults = new FaultMiddleware(_ => throw new InvalidOperationException("a detail that is nobody's business"), log);

        await faults.InvokeAsync(context);

        Assert.Equal(500, context.Response.StatusCode);
        Assert.Equal("no-store", context.Response.Headers.CacheControl);
        var text = Encoding.UTF8.GetString(body.ToArray());
        Assert.Equal("server_error", JsonElement.Parse(text).GetProperty("error").GetString());
        Assert.Contains("id-of-the-request", text, StringComparison.Ordinal);
        Assert.DoesNotContain("detail", text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        var line = Assert.Single(log.Collector.GetSnapshot());
        Assert.Contains("id-of-the-request", line.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(line.Exception);
    }

    [Fact]
    public async Task A_fault_after_the_caller_has_gone_is_not_logged()
    {
        var log = new FakeLogger<FaultMiddleware>();
        var context = new DefaultHttpContext { RequestAborted = new CancellationToken(canceled: true) };
        var faults = new FaultMiddleware(_ => throw new IOException("The connection was reset."), log);

        await faults.InvokeAsync(context);

        Assert.Empty(log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task A_handler_that_ends_without_an_answer_is_a_logged_500_and_no_empty_success()
    {
        var log = new FakeLogger<FaultMiddleware>();
        var context = new DefaultHttpContext();

        await new FaultMiddleware(_ => Task.CompletedTask, log).InvokeAsync(context);

        Assert.Equal(500, context.Response.StatusCode);
        Assert.Single(log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task An_intended_success_without_content_is_left_alone()
    {
        var log = new FakeLogger<FaultMiddleware>();
        var context = new DefaultHttpContext();

        await new FaultMiddleware(
            answered =>
            {
                answered.Response.ContentLength = 0;
                return Task.CompletedTask;
            },
            log).InvokeAsync(context);

        Assert.Equal(200, context.Response.StatusCode);
        Assert.Empty(log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task The_connection_of_a_caller_who_has_gone_is_aborted_when_nothing_was_answered()
    {
        var log = new FakeLogger<FaultMiddleware>();
        var lifetime = new Aborted();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);

        await new FaultMiddleware(_ => Task.CompletedTask, log).InvokeAsync(context);

        Assert.True(lifetime.WasAborted);
        Assert.Empty(log.Collector.GetSnapshot());
    }

    private sealed class Aborted : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; } = new(canceled: true);

        public bool WasAborted { get; private set; }

        public void Abort() => WasAborted = true;
    }
}
