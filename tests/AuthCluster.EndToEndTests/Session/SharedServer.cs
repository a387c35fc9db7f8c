using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Session;

/// <summary>One server for all test classes that do not harm it: the clients of <see cref="PreparedClients"/>, and every log at Trace.</summary>
/// <remarks>When the last of these tests is done, the whole log is searched for every secret and token of the run.</remarks>
public sealed class SharedServer : IAsyncLifetime
{
    private static readonly string[] Talkative =
    [
        "Default", "AuthCluster", "AuthCluster.Issuance", "Microsoft", "Microsoft.Hosting.Lifetime", "Orleans", "System", "Microsoft.AspNetCore",
        "Microsoft.AspNetCore.Hosting.Diagnostics", "Microsoft.AspNetCore.Routing", "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests", "Microsoft.AspNetCore.Server.Kestrel.Connections", "Microsoft.IdentityModel",
    ];

    private readonly ServerProcess _process = new();

    /// <summary>The address where it listens, which is also its issuer.</summary>
    public Uri Address => _process.Address;

    /// <summary>The issuer, character for character.</summary>
    public string Issuer => $"http://localhost:{_process.Port}";

    /// <summary>All that it has printed.</summary>
    public string Output => _process.Output;

    /// <summary>The folder that holds its database.</summary>
    public string DataDirectory => _process.DataDirectory;

    /// <summary>Texts that no log may contain.</summary>
    public SensitiveTexts Sensitive { get; } = new();

    /// <summary>A caller of its token endpoint.</summary>
    public TokenEndpointCaller NewCaller() => new(Address);

    /// <summary>Gets a token for a prepared client, which must be granted, and records it as sensitive.</summary>
    public async Task<TokenAnswer> TokenAsync(TestClient client, string more = "")
    {
        using var caller = NewCaller();
        var answer = await caller.PostAsync(client, more);
        Assert.True(answer.Status == 200, answer.Body);
        Sensitive.AddToken(answer.Token);
        return answer;
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        foreach (var client in PreparedClients.All)
        {
            Sensitive.Add(client);
        }

        _process["AuthCluster:Bootstrap:ClientsFile"] = _process.WriteFile("clients.json", PreparedClients.File());
        foreach (var category in Talkative)
        {
            // For every provider and for the console in particular, because an operator who looks for a fault sets either.
            _process[$"Logging:LogLevel:{category}"] = "Trace";
            _process[$"Logging:Console:LogLevel:{category}"] = "Trace";
        }

        await _process.StartAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await using (_process)
        {
            await _process.StopAsync(CancellationToken.None);
            var found = Sensitive.FoundIn(_process.Output);
            if (found.Count > 0)
            {
                throw new InvalidOperationException($"The log of the shared server holds what no log may: {string.Join("; ", found)}.");
            }
        }
    }
}

/// <summary>The test classes that use the one server of <see cref="SharedServer"/>.</summary>
[CollectionDefinition(Name)]
public sealed class OnSharedServer : ICollectionFixture<SharedServer>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "on the shared server";
}
