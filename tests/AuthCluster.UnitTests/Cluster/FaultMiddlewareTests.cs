using System.Text;
using System.Text.Json;
using AuthCluster.Web.Cluster;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace AuthCluster.UnitTests.Cluster;

/// <summary>A bug of ours: what the caller sees of it, and what the operator does.</summary>
public sealed class FaultMiddlewareTests
{
    [Fact]
    public async Task A_bug_is_a_500_with_an_id_and_no_detail_and_is_logged_once_with_the_same_id()
    {
        var log = new ListLogger();
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
        var (message, exception) = Assert.Single(log.Entries);
        Assert.Contains("id-of-the-request", message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(exception);
    }

    [Fact]
    public async Task A_fault_of_a_caller_who_has_gone_is_nobodys()
    {
        var log = new ListLogger();
        var context = new DefaultHttpContext { RequestAborted = new CancellationToken(canceled: true) };
        var faults = new FaultMiddleware(_ => throw new IOException("The connection was reset."), log);

        await faults.InvokeAsync(context);

        Assert.Empty(log.Entries);
    }

    private sealed class ListLogger : ILogger<FaultMiddleware>
    {
        public List<(string Message, Exception? Exception)> Entries { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Entries.Add((formatter(state, exception), exception));
    }
}
