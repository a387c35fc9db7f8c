using System.Globalization;
using System.Text.Json.Serialization;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace AuthCluster.Web.Admin;

/// <summary>Describes the admin API at <c>/openapi/v1.json</c>, and shows the description as a page at <c>/openapi</c>.</summary>
internal static class AdminOpenApi
{
    /// <summary>The name of the document, which is also that of the routes' group.</summary>
    public const string Document = "v1";

    private const string Scheme = "oauth2";
    private const string NotEverywhere = "202";

    public static void AddAdminOpenApi(this IServiceCollection services)
    {
        // By default the description allows numbers as strings too, and generated clients can't read such a schema.
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi(Document, Describe);
    }

    private static void Describe(OpenApiOptions options)
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_0;
        options.ShouldInclude = description => description.GroupName == Document;
        options.AddSchemaTransformer((schema, _, _) =>
        {
            // Answers leave out members that are null.
            schema.Required?.ExceptWith([.. schema.Required.Where(name => MayBeNull(schema.Properties?[name]))]);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer((document, context, _) =>
        {
            Describe(document, context.ApplicationServices.GetRequiredService<IssuerUri>());
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeAsync);
    }

    public static void MapAdminOpenApi(this IEndpointRouteBuilder routes)
    {
        var management = new ManagementEndpoint(LoopbackOnly: false);
        Task<byte[]>? document = null;
        routes.MapGet($"/openapi/{Document}.json", async () => Results.Bytes(await DocumentAsync(), AdminBody.Json))
            .WithMetadata(management)
            .ExcludeFromDescription();
        routes.MapScalarApiReference("/openapi/reader", options =>
        {
            options.Title = "AuthCluster admin API";
            options.AddDocument(Document, routePattern: "/openapi/{documentName}.json");
            options.DefaultFonts = false;
            // The page is for operators, and must call no server but this one.
            options.HideDeveloperTools().DisableAgent().DisableMcp().DisableTelemetry();
        }).WithMetadata(management);

        // Made once, because it is the same for everybody and takes far longer than a call. After a failure the next request makes it again.
        Task<byte[]> DocumentAsync() => document is { IsCompleted: false } or { IsCompletedSuccessfully: true }
            ? document
            : document = WriteAsync(routes.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Document));
    }

    private static async Task<byte[]> WriteAsync(IOpenApiDocumentProvider provider)
    {
        var json = new MemoryStream();
        var document = await provider.GetOpenApiDocumentAsync(CancellationToken.None);
        await document.SerializeAsJsonAsync(json, OpenApiSpecVersion.OpenApi3_0, CancellationToken.None);
        return json.ToArray();
    }

    /// <summary>A schema without a type is any value, null too.</summary>
    private static bool MayBeNull(IOpenApiSchema? schema) => schema?.Type is not { } type || type.HasFlag(JsonSchemaType.Null);

    private static void Describe(OpenApiDocument document, IssuerUri issuer)
    {
        document.Info = new OpenApiInfo
        {
            Title = "AuthCluster admin API",
            Version = Document,
            Description = "Clients, their secrets, reports, the audit and emergency revocation. Every call takes an access token of this server with the scope authcluster:admin, or authcluster:read for GET.",
        };
        // Relative, because the host that one request names must not be shown to others.
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.AddComponent(Scheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.OAuth2,
            Flows = new OpenApiOAuthFlows
            {
                ClientCredentials = new OpenApiOAuthFlow
                {
                    TokenUrl = new Uri(issuer.Value.TrimEnd('/') + ServerMetadata.TokenPath),
                    Scopes = new Dictionary<string, string>
                    {
                        [ServerScopes.Admin] = "Every call",
                        [ServerScopes.Read] = "GET alone",
                    },
                },
            },
        });
        document.Security = [Needs(ServerScopes.Admin, document)];
    }

    private static OpenApiSecurityRequirement Needs(string scope, OpenApiDocument? document) =>
        new() { [new OpenApiSecuritySchemeReference(Scheme, document)] = [scope] };

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var body = metadata.OfType<RequestBody>().SingleOrDefault();
        operation.Parameters = [.. PathParameters(context.Description.RelativePath ?? ""), .. metadata.OfType<OpenApiParameter>()];
        foreach (var (status, answer) in operation.Responses ?? [])
        {
            if (answer is OpenApiResponse response)
            {
                response.Description = status == NotEverywhere ? "Stored. The change may not hold on every node yet." : response.Description;
                response.Headers = HeadersOf(int.Parse(status, CultureInfo.InvariantCulture), metadata.OfType<AnswerHeader>(), body?.MediaType)
                    .ToDictionary(header => header.Name, IOpenApiHeader (header) => new OpenApiHeader { Description = header.Description, Schema = Text() });
            }
        }

        if (context.Description.HttpMethod == HttpMethods.Get)
        {
            // One of the two is enough.
            operation.Security = [Needs(ServerScopes.Read, context.Document), Needs(ServerScopes.Admin, context.Document)];
        }

        if (body is not null)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = !body.IsOptional,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [body.MediaType] = new() { Schema = await ReferenceAsync(context, body.Type, cancellationToken) },
                },
            };
        }
    }

    private static IEnumerable<OpenApiParameter> PathParameters(string path) =>
        path.Split('/').Where(segment => segment is ['{', .., '}']).Select(segment => new OpenApiParameter
        {
            Name = segment[1..^1],
            In = ParameterLocation.Path,
            Required = true,
            Schema = Text(),
        });

    private static IEnumerable<AnswerHeader> HeadersOf(int status, IEnumerable<AnswerHeader> ofSuccess, string? bodyType) => status switch
    {
        StatusCodes.Status200OK or StatusCodes.Status201Created or StatusCodes.Status304NotModified => ofSuccess,
        StatusCodes.Status202Accepted =>
        [
            .. ofSuccess,
            new AnswerHeader(StoredChange.HoldsEverywhere, "no: the change may not hold on every node yet."),
            new AnswerHeader(HeaderNames.RetryAfter, "When to send the same again, in seconds; it is answered otherwise once the change holds everywhere, a DELETE by 404."),
        ],
        StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden =>
            [new AnswerHeader(HeaderNames.WWWAuthenticate, "What is wrong with the access token (RFC 6750 section 3).")],
        StatusCodes.Status415UnsupportedMediaType =>
        [
            new AnswerHeader(bodyType == AdminBody.Json ? HeaderNames.Accept : AdminBody.AcceptPatch, "The media type that is taken, where the body has another."),
            new AnswerHeader(HeaderNames.AcceptEncoding, "The content coding that is taken, where the body has another."),
        ],
        StatusCodes.Status503ServiceUnavailable => [new AnswerHeader(HeaderNames.RetryAfter, "When to send the same again, in seconds.")],
        _ => [],
    };

    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };

    /// <summary>A reference to a body's schema, which is added to the document once.</summary>
    private static async Task<IOpenApiSchema> ReferenceAsync(OpenApiOperationTransformerContext context, Type body, CancellationToken cancellationToken)
    {
        var schema = await context.GetOrCreateSchemaAsync(body, null, cancellationToken);
        if (body == typeof(ClientPatchBody))
        {
            schema.AdditionalProperties = new OpenApiSchema();
        }

        context.Document!.AddComponent(body.Name, schema);
        return new OpenApiSchemaReference(body.Name, context.Document);
    }
}
