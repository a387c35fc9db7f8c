using System.Net;
using AuthCluster.AdminTests.Session;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;

namespace AuthCluster.AdminTests.OpenApi;

/// <summary>The description of the admin API is created once; if that fails, the next call creates it.</summary>
public sealed class DescriptionFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_description_whose_creation_failed_once_is_created_by_the_next_call_and_then_kept()
    {
        var documents = new FailsOnce();
        await using var app = AdminAlone.Build(builder =>
        {
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Services.AddKeyedSingleton<IOpenApiDocumentProvider>("v1", documents);
        });
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
}
