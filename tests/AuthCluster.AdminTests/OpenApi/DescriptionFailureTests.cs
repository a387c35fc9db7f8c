using System.Net;
using System.Reflection;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web;
using AuthCluster.Web.Admin;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.Keys;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;

namespace AuthCluster.AdminTests.OpenApi;

/// <summary>The description of the admin API is made once, and made again when that failed.</summary>
public sealed class DescriptionFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_description_that_could_not_be_made_once_is_made_at_the_next_call_and_then_kept()
    {
        var documents = new FailsOnce();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        Assert.True(IssuerUri.TryParse("http://localhost:8080", out var issuer, out _));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(CallBound.ForSilo);
        builder.Services.AddSingleton(DispatchProxy.Create<IGrainFactory, NobodyAnswers>());
        builder.Services.AddAuthClusterWeb(issuer, new KeyRing(new byte[32]));
        builder.Services.AddAuthClusterAdmin(new AdminDefaults(3_600));
        builder.Services.AddKeyedSingleton<IOpenApiDocumentProvider>("v1", documents);
        await using var app = builder.Build();
        app.MapAuthClusterAdmin();
        await app.StartAsync(Cancellation);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        var statuses = new List<HttpStatusCode>();
        for (var call = 0; call < 3; call++)
        {
            using var answer = await http.GetAsync("/openapi/v1.json", Cancellation);
            statuses.Add(answer.StatusCode);
        }

        Assert.Equal([HttpStatusCode.InternalServerError, HttpStatusCode.OK, HttpStatusCode.OK], statuses);
        Assert.Equal(2, documents.Asked);
    }

    private sealed class FailsOnce : IOpenApiDocumentProvider
    {
        public int Asked { get; private set; }

        public Task<OpenApiDocument> GetOpenApiDocumentAsync(CancellationToken cancellationToken = default) => ++Asked == 1
            ? Task.FromException<OpenApiDocument>(new IOException("once"))
            : Task.FromResult(new OpenApiDocument { Info = new OpenApiInfo { Title = "t", Version = "1" }, Paths = [] });
    }

#pragma warning disable CA1852 // A dispatch proxy derives from it.
    private class NobodyAnswers : DispatchProxy
#pragma warning restore CA1852
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new NotSupportedException();
    }
}
