using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>One server for all test classes that do not harm it: the clients of <see cref="PreparedClients"/>, and every log at Trace.</summary>
/// <remarks>When the last of these tests is done, the whole log is searched for every secret and token of the run.</remarks>
public abstract class PreparedServer(Installation server) : IAsyncLifetime
{
    private static readonly string[] Talkative =
    [
        "Default", "AuthCluster", "AuthCluster.Issuance", "Microsoft", "Microsoft.Hosting.Lifetime", "Orleans", "System", "Microsoft.AspNetCore",
        "Microsoft.AspNetCore.Hosting.Diagnostics", "Microsoft.AspNetCore.Routing", "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests", "Microsoft.AspNetCore.Server.Kestrel.Connections", "Microsoft.IdentityModel",
    ];

    /// <summary>The address where it listens, which is also its issuer.</summary>
    public Uri Address => server.Address;

    /// <summary>The issuer, character for character.</summary>
    public string Issuer => server.Issuer;

    /// <summary>All that it has printed.</summary>
    public string Output => server.Output;

    /// <summary>The folder that holds its database.</summary>
    public string DataDirectory => server.DataDirectory;

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

        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", PreparedClients.File());
        foreach (var category in Talkative)
        {
            // For every provider and for the console in particular, because an operator who looks for a fault sets either.
            server[$"Logging:LogLevel:{category}"] = "Trace";
            server[$"Logging:Console:LogLevel:{category}"] = "Trace";
        }

        await server.StartAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await using (server)
        {
            await server.StopAsync(CancellationToken.None);
            var found = Sensitive.FoundIn(server.Output);
            if (found.Count > 0)
            {
                throw new InvalidOperationException($"The log of the shared server holds what no log may: {string.Join("; ", found)}.");
            }
        }
    }
}
