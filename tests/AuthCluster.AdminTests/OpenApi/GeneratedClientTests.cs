using System.Net.Http.Headers;
using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;

namespace AuthCluster.AdminTests.OpenApi;

/// <summary>The description at <c>/openapi/v1.json</c> is whole enough to generate a client from that compiles and works.</summary>
[Collection(OnAdminServer.Name)]
public sealed class GeneratedClientTests(AdminServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_generated_client_compiles_and_works()
    {
        var description = await OpenApiDocument.FromJsonAsync(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation), Cancellation);
        var assembly = Compile(new CSharpClientGenerator(description, new CSharpClientGeneratorSettings
        {
            ClassName = "AdminClient",
            CSharpGeneratorSettings =
            {
                Namespace = "Generated",
                JsonLibrary = NJsonSchema.CodeGeneration.CSharp.CSharpJsonLibrary.SystemTextJson,
            },
        }).GenerateFile());
        using var http = new HttpClient { BaseAddress = server.Process.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await server.TokenAsync(AdminServer.Admin));
        dynamic client = Activator.CreateInstance(assembly.GetType("Generated.AdminClient", throwOnError: true)!, http)!;
        dynamic document = Activator.CreateInstance(assembly.GetType("Generated.NewClientBody", throwOnError: true)!)!;
        document.ClientId = "by-generated-client";
        document.Scopes = new List<string> { "read" };

        var created = await client.CreateClientAsync("generated-client-key", document, Cancellation);
        var page = await client.ListClientsAsync("by-generated", null, null, 10, Cancellation);
        await client.RevokeClientTokensAsync("by-generated-client", null, Cancellation);
        var audit = await client.ListAuditAsync("by-generated-client", null, 10, Cancellation);

        Assert.Equal(200, (await server.TryTokenAsync(new Credentials((string)created.ClientId, (string)created.Secret))).Status);
        Assert.Equal("by-generated-client", (string)Enumerable.Single(page.Items).ClientId);
        Assert.Equal(2, (int)Enumerable.Count(audit.Items));
    }

    [Fact]
    public async Task What_may_be_left_out_of_an_answer_is_not_required()
    {
        var description = await OpenApiDocument.FromJsonAsync(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation), Cancellation);

        var secret = description.Components.Schemas["SecretBody"];

        Assert.Equal(["createdAt", "kind", "secretId"], secret.RequiredProperties.Order(StringComparer.Ordinal));
        Assert.All(
            description.Components.Schemas.Values.SelectMany(schema => schema.RequiredProperties.Select(name => schema.Properties[name])),
            property => Assert.False(property.IsNullable(NJsonSchema.SchemaType.OpenApi3), property.Name));
    }

    [Fact]
    public async Task A_get_needs_one_of_two_scopes_and_everything_else_that_of_an_admin()
    {
        var description = JsonNode.Parse(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation))!;

        Assert.Equal(["authcluster:admin"], Scopes(description));
        foreach (var (method, operation) in description["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()))
        {
            Assert.Equal(method == "get" ? ["authcluster:read", "authcluster:admin"] : (string[])[], Scopes(operation!));
        }

        // Each of the list is enough by itself.
        static IEnumerable<string> Scopes(JsonNode node) =>
            (node["security"]?.AsArray() ?? []).Select(needs => Assert.Single(needs!["oauth2"]!.AsArray())!.GetValue<string>());
    }

    [Fact]
    public async Task The_reader_page_calls_nobody_but_the_server()
    {
        var page = await server.Http.GetStringAsync("/openapi/reader/", Cancellation);

        Assert.Contains("<title>AuthCluster admin API</title>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
        Assert.Contains("\"showDeveloperTools\":\"never\"", page, StringComparison.Ordinal);
        Assert.Contains("\"telemetry\":false", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("\"disabled\":true").Length - 1);
        Assert.Equal(200, (int)(await server.Http.GetAsync("/openapi/reader/scalar.js", Cancellation)).StatusCode);
    }

    /// <summary>Compiles against what this process itself runs on.</summary>
    private static Assembly Compile(string source)
    {
        var compilation = CSharpCompilation.Create(
            "Generated",
            [CSharpSyntaxTree.ParseText(source, cancellationToken: Cancellation)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        using var assembly = new MemoryStream();
        var result = compilation.Emit(assembly, cancellationToken: Cancellation);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(problem => problem.Severity == DiagnosticSeverity.Error)));
        assembly.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(assembly);
    }
}
