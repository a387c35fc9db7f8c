using System.IO.Compression;
using System.Xml.Linq;
using AuthCluster.TestKit;

namespace AuthCluster.ClientTests.Packing;

/// <summary>The packages as their users get them.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _version = $"0.0.1-test.{Guid.NewGuid():N}";

    [Theory]
    [InlineData("AuthCluster.Client", "Microsoft.Extensions.")]
    [InlineData("AuthCluster.Client.AspNetCore", "Microsoft.Extensions.", "Microsoft.AspNetCore.", "Microsoft.IdentityModel.", "AuthCluster.Client")]
    public async Task A_package_has_its_readme_its_licence_and_nothing_of_the_server(string project, params string[] dependencies)
    {
        await PackAsync(project);

        await using var package = await ZipFile.OpenReadAsync(_folder.PathOf($"{project}.{_version}.nupkg"), TestContext.Current.CancellationToken);
        await using var stream = await package.GetEntry($"{project}.nuspec")!.OpenAsync(TestContext.Current.CancellationToken);
        var specification = await XDocument.LoadAsync(stream, LoadOptions.None, TestContext.Current.CancellationToken);
        string? Value(string name) => specification.Descendants().FirstOrDefault(element => element.Name.LocalName == name)?.Value;
        Assert.Equal("README.md", Value("readme"));
        Assert.NotNull(package.GetEntry("README.md"));
        Assert.Equal("Apache-2.0", Value("license"));
        Assert.NotEmpty(Value("description")!);
        Assert.NotEmpty(Value("tags")!);
        Assert.All(
            specification.Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value),
            name => Assert.Contains(dependencies, allowed => name == allowed || allowed.EndsWith('.') && name.StartsWith(allowed, StringComparison.Ordinal)));
        Assert.Equal([$"lib/net10.0/{project}.dll", $"lib/net10.0/{project}.xml"], package.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_trimmed_program_that_uses_the_package_is_published_without_a_warning_and_runs()
    {
        if (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip("Publishing a trimmed program downloads the runtime, so this test runs under CI=true only.");
        }

        await PackAsync("AuthCluster.Client");
        _folder.Write("nuget.config", """<configuration><packageSources><add key="here" value="." /></packageSources></configuration>""");
        var project = _folder.Write("trimmed.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <SelfContained>true</SelfContained>
                <RuntimeIdentifier>{System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier}</RuntimeIdentifier>
                <PublishTrimmed>true</PublishTrimmed>
                <TrimmerSingleWarn>false</TrimmerSingleWarn>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <EnableConfigurationBindingGenerator>true</EnableConfigurationBindingGenerator>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="AuthCluster.Client" Version="{_version}" />
              </ItemGroup>
            </Project>
            """);
        _folder.Write("Program.cs", """
            using AuthCluster.Client;
            using AuthCluster.Client.Tokens;
            using Microsoft.Extensions.Configuration;
            using Microsoft.Extensions.DependencyInjection;

            var services = new ServiceCollection();
            services.AddAuthClusterTokens(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Issuer"] = args[0], ["ClientId"] = "orders", ["ClientSecret"] = args[1], ["Timeout"] = "00:00:20",
            }).Build());
            await using var provider = services.BuildServiceProvider();
            Console.WriteLine((await provider.GetRequiredService<IAccessTokenSource>().GetTokenAsync()).Scope);
            """);
        await using var issuer = await Servers.FakeIssuer.StartAsync(TimeProvider.System);

        var published = await Command.RunAsync("dotnet", "publish", project, "--output", _folder.PathOf("published"));
        Assert.DoesNotContain("warning", published.OutputOrThrow(), StringComparison.OrdinalIgnoreCase);
        var ran = await Command.RunAsync(_folder.PathOf("published/trimmed"), issuer.Issuer, issuer.Secret);

        Assert.Equal("read write", ran.OutputOrThrow().Trim());
    }

    public void Dispose()
    {
        _folder.Dispose();
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var restored = Path.Combine(cache, "authcluster.client", _version);
        if (Directory.Exists(restored))
        {
            Directory.Delete(restored, recursive: true);
        }
    }

    private async Task PackAsync(string project) => (await Command.RunAsync(
        "dotnet", "pack", Repository.PathOf("src", project, project + ".csproj"), "--configuration", Repository.Configuration, "--no-build", "--output", _folder.Path, $"-p:Version={_version}"))
        .OutputOrThrow();
}
