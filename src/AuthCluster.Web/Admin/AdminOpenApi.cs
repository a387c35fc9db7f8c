using System.Text.Json.Serialization;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace AuthCluster.Web.Admin;

/// <summary>Describes the admin API at <c>/openapi/v1.json</c>, and shows the description as a page at <c>/openapi</c>.</summary>
internal static class AdminOpenApi
{
    private const string Document = "v1";
    private const string Scheme = "oauth2";

    public static void AddAdminOpenApi(this IServiceCollection services)
    {
        // Numbers are numbers: by default the description would allow them as strings too, and no generated client could read that.
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi(Document, Describe);
    }

    private static void Describe(OpenApiOptions options)
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_0;
        options.ShouldInclude = description => description.ActionDescriptor.EndpointMetadata.OfType<AdminRouteDoc>().Any();
        options.AddSchemaTransformer((schema, _, _) =>
        {
            // What may be null is left out of answers then.
            schema.Required?.ExceptWith([.. schema.Required.Where(name => MayBeNull(schema.Properties?[name]))]);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer((document, context, _) =>
        {
            Describe(document, context.ApplicationServices.GetRequiredService<IssuerUri>());
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(async (operation, context, cancellationToken) =>
        {
            var doc = context.Description.ActionDescriptor.EndpointMetadata.OfType<AdminRouteDoc>().Single();
            AddParameters(operation, context.Description.RelativePath ?? "", doc);
            AdminOpenApiHeaders.Add(operation, doc);
            if (context.Description.HttpMethod == HttpMethods.Get)
            {
                // One of the two is enough.
                operation.Security = [Needs(AdminScopes.Read, context.Document), Needs(AdminScopes.Admin, context.Document)];
            }

            if (doc.Body is { } body)
            {
                operation.RequestBody = new OpenApiRequestBody
                {
                    Required = !doc.BodyOptional,
                    Content = new Dictionary<string, OpenApiMediaType>
                    {
                        [doc.BodyType] = new() { Schema = await ReferenceAsync(context, body, cancellationToken) },
                    },
                };
            }
        });
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
            // The page is an operator's: nothing in it calls anybody but this server.
            options.HideDeveloperTools().DisableAgent().DisableMcp().DisableTelemetry();
        }).WithMetadata(management);

        // Made once: it is the same for everybody, and making it takes many times as long as any call that it describes. What failed is made again.
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
        // Relative: a name that came with one request must not be what others are sent to.
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
                        [AdminScopes.Admin] = "Every call",
                        [AdminScopes.Read] = "GET alone",
                    },
                },
            },
        });
        document.Security = [Needs(AdminScopes.Admin, document)];
    }

    private static OpenApiSecurityRequirement Needs(string scope, OpenApiDocument? document) =>
        new() { [new OpenApiSecuritySchemeReference(Scheme, document)] = [scope] };

    private static void AddParameters(OpenApiOperation operation, string path, AdminRouteDoc doc)
    {
        var parameters = new List<IOpenApiParameter>();
        foreach (var segment in path.Split('/').Where(segment => segment is ['{', .., '}']))
        {
            parameters.Add(new OpenApiParameter
            {
                Name = segment[1..^1],
                In = ParameterLocation.Path,
                Required = true,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }

        parameters.AddRange(doc.Parameters.Select(parameter => new OpenApiParameter
        {
            Name = parameter.Name,
            In = parameter.IsHeader ? ParameterLocation.Header : ParameterLocation.Query,
            Required = parameter.Required,
            Description = parameter.Description,
            Schema = SchemaOf(parameter),
        }));
        operation.Parameters = parameters;
    }

    private static OpenApiSchema SchemaOf(AdminParameter parameter) => parameter.Type switch
    {
        "integer" => new OpenApiSchema
        {
            Type = JsonSchemaType.Integer,
            Format = "int32",
            Minimum = parameter.Min?.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Maximum = parameter.Max?.ToString(System.Globalization.CultureInfo.InvariantCulture),
        },
        "boolean" => new OpenApiSchema { Type = JsonSchemaType.Boolean },
        "date-time" => new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" },
        _ => new OpenApiSchema { Type = JsonSchemaType.String, Enum = parameter.Values.Count > 0 ? parameter.EnumValues : null },
    };

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
