using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;

namespace AuthCluster.AdminTests.OpenApi;

/// <summary>A client that a tool generated from the description, compiled into this process.</summary>
internal sealed class GeneratedClient
{
    private static int _made;

    private readonly Assembly _assembly;
    private readonly object _client;
    private readonly List<string> _called = [];

    public GeneratedClient(OpenApiDocument description, HttpClient http)
    {
        _assembly = Compile(new CSharpClientGenerator(description, new CSharpClientGeneratorSettings
        {
            ClassName = "AdminClient",
            // This generator's own format has no offset, which a time of RFC 3339 must have.
            ParameterDateTimeFormat = "O",
            CSharpGeneratorSettings =
            {
                Namespace = "Generated",
                JsonLibrary = NJsonSchema.CodeGeneration.CSharp.CSharpJsonLibrary.SystemTextJson,
            },
        }).GenerateFile());
        _client = Activator.CreateInstance(TypeOf("AdminClient"), http)!;
    }

    /// <summary>The operations that were called and answered as the test expects, each once.</summary>
    public IEnumerable<string> Called => _called.Distinct(StringComparer.Ordinal);

    /// <summary>Makes a body.</summary>
    public dynamic Make(string body, params (string Name, object Value)[] members)
    {
        var made = Activator.CreateInstance(TypeOf(body))!;
        foreach (var (name, value) in members)
        {
            made.GetType().GetProperty(name)!.SetValue(made, value);
        }

        return made;
    }

    /// <summary>Creates the object that a member of a body holds.</summary>
    public static dynamic MakeMember(object body, string member) => Activator.CreateInstance(body.GetType().GetProperty(member)!.PropertyType)!;

    /// <summary>Calls an operation; a parameter that is not given is left out.</summary>
    public async Task<dynamic?> CallAsync(string operation, params (string Name, object Value)[] arguments)
    {
        var method = _client.GetType().GetMethods().Single(candidate =>
            string.Equals(candidate.Name, operation + "Async", StringComparison.OrdinalIgnoreCase)
            && candidate.GetParameters() is [.., { ParameterType.Name: nameof(CancellationToken) }]);
        var given = arguments.ToDictionary(argument => Letters(argument.Name), argument => argument.Value);
        object?[] values = [.. method.GetParameters().Select(parameter =>
            given.Remove(Letters(parameter.Name!), out var value) ? value
            : parameter.ParameterType == typeof(CancellationToken) ? TestContext.Current.CancellationToken
            : null)];
        Assert.Empty(given);

        var task = (Task)method.Invoke(_client, values)!;
        await task;
        _called.Add(operation);
        return method.ReturnType.IsGenericType ? task.GetType().GetProperty("Result")!.GetValue(task) : null;
    }

    /// <summary>Calls an operation that is refused, and counts it as called.</summary>
    /// <returns>The status.</returns>
    public async Task<int> RefusedAsync(string operation, params (string Name, object Value)[] arguments)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => CallAsync(operation, arguments));
        _called.Add(operation);
        return (int)refused.GetType().GetProperty("StatusCode")!.GetValue(refused)!;
    }

    private static string Letters(string name) => new([.. name.Where(char.IsAsciiLetter).Select(char.ToUpperInvariant)]);

    private Type TypeOf(string name) => _assembly.GetType("Generated." + name, throwOnError: true)!;

    /// <summary>Compiles against what this process itself runs on.</summary>
    private static Assembly Compile(string source)
    {
        var compilation = CSharpCompilation.Create(
            $"Generated{Interlocked.Increment(ref _made)}",
            [CSharpSyntaxTree.ParseText(source, cancellationToken: TestContext.Current.CancellationToken)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        using var assembly = new MemoryStream();
        var result = compilation.Emit(assembly, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(problem => problem.Severity == DiagnosticSeverity.Error)));
        assembly.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(assembly);
    }
}
