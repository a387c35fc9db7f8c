using System.Diagnostics;
using System.Security.Cryptography;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Deployment;

/// <summary>
/// No docker engine is needed: the published server runs as the image and the compose file have it, with the image's variables and user, the
/// compose file's settings and secrets in files, and, where the tests are root, a root file system that is read-only.
/// </summary>
public sealed class ImageTests
{
    private const string User = "1654";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>
    /// Microsoft's images of ASP.NET Core 10 without a shell and with ICU: the folders of <c>src/aspnet/10.0</c> in dotnet/dotnet-docker,
    /// each of which is a tag after <c>10.0-</c>.
    /// </summary>
    private static readonly string[] Published =
    [
        "noble-chiseled-extra", "noble-chiseled-composite-extra", "resolute-chiseled-extra", "resolute-chiseled-composite-extra",
        "azurelinux3.0-distroless-extra", "azurelinux3.0-distroless-composite-extra", "azurelinux4.0-distroless-extra", "azurelinux4.0-distroless-composite-extra",
    ];

    [Fact]
    public async Task The_image_is_one_that_microsoft_publishes_with_icu_no_shell_and_no_root()
    {
        var image = await ImageFile.ReadAsync(Cancellation);

        Assert.Contains(image.Base, Published.Select(folder => $"mcr.microsoft.com/dotnet/aspnet:10.0-{folder}"));
        Assert.Equal("$APP_UID", image.User);
        Assert.Equal("""["dotnet", "AuthCluster.Server.dll"]""", image.Entrypoint);
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task Three_published_servers_run_as_the_compose_file_has_them(DatabaseKind kind)
    {
        using var application = new TemporaryFolder();
        using var secrets = new TemporaryFolder();
        await PublishAsync(application);
        var files = Directory.GetFileSystemEntries(application.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        await using var database = await TestDatabase.CreateAsync(kind);
        var admin = TestClient.New("admin");
        secrets.Write("connection-string", database.ConnectionString + "\n");
        secrets.Write("key-encryption.key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        secrets.Write("admin-secret", admin.Secret);
        await HandOverAsync(application, secrets);
        var settings = await SettingsAsync(kind, secrets.Path);
        var nodes = Enumerable.Range(0, 3).Select(_ => Node(application.Path, settings)).ToList();
        using var caller = new Caller();
        if (Environment.IsPrivilegedProcess)
        {
            string[] attempt = [.. AsInContainer, "sh", "-c", $"id -u; touch /tmp/x || touch /var/tmp/x || touch {application.Path}/x || echo refused"];
            Assert.Equal($"{User}\nrefused\n", (await Command.RunAsync(attempt[0], attempt[1..])).Output);
        }

        try
        {
            await Task.WhenAll(nodes.Select(node => node.StartAsync(Cancellation)));

            foreach (var node in nodes)
            {
                var management = new Uri(node["AuthCluster:Http:ManagementUrls"]!);
                var token = await caller.TokenAsync(node, admin);
                using var outside = await caller.SendAsync(node, HttpMethod.Get, "/admin/v1/cluster", token);
                using var inside = await caller.SendAsync(management, HttpMethod.Get, "/admin/v1/cluster", token);
                using var metrics = await caller.SendAsync(management, HttpMethod.Get, "/metrics");

                Assert.Equal(404, (int)outside.StatusCode);
                Assert.Equal(200, (int)inside.StatusCode);
                Assert.Equal(3, (await inside.Content.ReadAsStringAsync(Cancellation)).Split("\"active\"").Length - 1);
                Assert.Equal(200, (int)metrics.StatusCode);
            }

            var stopped = Stopwatch.StartNew();
            var codes = await Task.WhenAll(nodes.Select(node => node.StopAsync(Cancellation)));
            stopped.Stop();
            Assert.All(codes, code => Assert.Equal(0, code));
            TestContext.Current.TestOutputHelper?.WriteLine($"stopped in {stopped.Elapsed.TotalSeconds:f1} s, 10 of them the drain");
            Assert.True(stopped.Elapsed < TimeSpan.FromSeconds(45), "Longer than stop_grace_period.");
        }
        finally
        {
            await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
        }

        Assert.Equal(files, Directory.GetFileSystemEntries(application.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
    }

    /// <summary>A mount namespace in which everything is read-only, and in it the image's user without any capability.</summary>
    private static string[] AsInContainer => Environment.IsPrivilegedProcess
        ?
        [
            "unshare", "--mount", "sh", "-c",
            "for m in / /tmp /dev/shm /run /var; do mountpoint -q $m && mount -o remount,bind,ro $m; done; "
                + $"exec setpriv --reuid={User} --regid={User} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \"$@\"",
            "sh",
        ]
        : [];

    private static async Task PublishAsync(TemporaryFolder target)
    {
        var published = await Command.RunAsync(
            new ProcessStartInfo(
                "dotnet", ["publish", "src/AuthCluster.Server", "--configuration", Repository.Configuration, "--no-build", "--output", target.Path])
            {
                WorkingDirectory = Repository.Root,
            },
            Cancellation);
        published.OutputOrThrow();
    }

    /// <summary>Only the image's user may read the secrets, and nobody may write.</summary>
    private static async Task HandOverAsync(TemporaryFolder application, TemporaryFolder secrets)
    {
        (await Command.RunAsync("chmod", "-R", "a=rX", application.Path)).OutputOrThrow();
        (await Command.RunAsync("sh", "-c", $"chmod 0400 {secrets.Path}/* && chmod 0500 {secrets.Path}")).OutputOrThrow();
        if (Environment.IsPrivilegedProcess)
        {
            (await Command.RunAsync("chown", "-R", $"{User}:{User}", secrets.Path)).OutputOrThrow();
        }
    }

    /// <summary>
    /// The image's variables and the compose file's, except what must differ on a single machine: the database, and where the secrets are.
    /// </summary>
    private static async Task<Dictionary<string, string>> SettingsAsync(DatabaseKind kind, string secrets)
    {
        var settings = new Dictionary<string, string>((await ImageFile.ReadAsync(Cancellation)).Environment, StringComparer.Ordinal);
        var silo = ComposeFile.Parse(await ComposeFile.ReadAsync(Cancellation)).GetProperty("services").GetProperty("silo-1");
        foreach (var variable in silo.GetProperty("environment").EnumerateObject())
        {
            settings[variable.Name] = variable.Value.GetString()!.Replace("/run/authcluster/", secrets + "/", StringComparison.Ordinal);
        }

        Assert.Equal("SqlServer", settings["AuthCluster__Storage__Provider"]);
        settings["AuthCluster__Storage__Provider"] = $"{kind}";
        return settings;
    }

    private static ServerProcess Node(string application, Dictionary<string, string> settings)
    {
        var node = new ServerProcess
        {
            Assembly = Path.Combine(application, "AuthCluster.Server.dll"),
            WorkingDirectory = application,
            Prefix = AsInContainer,
            ["DOTNET_ENVIRONMENT"] = null,
            ["AuthCluster:Issuer"] = null,
            ["AuthCluster:DataDirectory"] = null,
            ["AuthCluster:Http:DrainDelay"] = null,
        };
        foreach (var (name, value) in settings)
        {
            node[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        // Three containers have an address each; three processes here share loopback, and have ports of their own there.
        node["AuthCluster:Cluster:AdvertisedAddress"] = "127.0.0.1";
        node["AuthCluster:Http:ManagementUrls"] = $"http://localhost:{FreePorts.Take()}";
        return node;
    }
}
