using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Grains.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Server.Settings;
using AuthCluster.Server.Telemetry;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Creates the first clients once the silo runs: the clients of the configuration, and at a first start in Development an admin and a demo
/// client, whose credentials are printed once. Afterwards the node is ready.
/// </summary>
internal sealed partial class Bootstrap(
    IGrainFactory grains,
    ServerSettings settings,
    SiloPreparation silo,
    ClientWarmUp warmUp,
    Readiness readiness,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<Bootstrap> logger) : BackgroundService
{
    private const string Actor = "system:bootstrap";
    private static readonly TimeSpan TryFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ShowWithin = TimeSpan.FromSeconds(2);

    // A file of ten thousand clients must not flood the storage, and must not be created one client after another.
    private const int ClientsAtOnce = 16;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await MakeClientsAsync(stoppingToken);
            await warmUp.RunAsync(stoppingToken);
            readiness.Started();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops before it has started. The next start creates the clients that are missing.
        }
        catch (StartupException e)
        {
            foreach (var problem in e.Problems)
            {
                LogRefused(problem);
            }

            await ServerConsole.TellAsync(e.Problems);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    private async Task MakeClientsAsync(CancellationToken cancellationToken)
    {
        if (silo.BootstrapClients is { Count: > 0 } clients)
        {
            await Parallel.ForEachAsync(
                clients,
                new ParallelOptions { MaxDegreeOfParallelism = ClientsAtOnce, CancellationToken = cancellationToken },
                async (client, token) =>
                {
                    if (await CreateAsync(client, token) && client.Secrets.Count == 0)
                    {
                        LogWithoutSecret(client.Document.ClientId.Value);
                    }
                });
        }

        if (settings.Bootstrap is { AdminClientId: { } adminId, AdminClientSecret: { } adminSecret })
        {
            await CreateAsync(new NewClient(Admin(adminId), [new ClientSecretEntry { Secret = adminSecret }]), cancellationToken);
        }

        if (silo.FirstStart is { } firstStart)
        {
            await MakeFirstClientsAsync(firstStart, cancellationToken);
        }
    }

    private async Task MakeFirstClientsAsync(FirstStart firstStart, CancellationToken cancellationToken)
    {
        var admin = settings.Bootstrap.AdminClientId is null
            ? await MakeFirstClientAsync(firstStart, Admin(FirstStartNotice.AdminId), cancellationToken)
            : null;
        var demo = await MakeFirstClientAsync(firstStart, Demo(FirstStartNotice.DemoId), cancellationToken);
        var shown = ShowAsync(firstStart, FirstStartNotice.Text(settings, admin, demo), cancellationToken);

        // Wait, so that the credentials are usually printed before the server is ready. The wait is short: nobody may be reading the console.
        await Task.WhenAny(shown, Task.Delay(ShowWithin, clock, cancellationToken));
        if (shown.IsCompleted)
        {
            await shown;
        }
    }

    /// <summary>Shows the credentials, and only then ends the first start: if the process ends before, the next start shows them again.</summary>
    private static async Task ShowAsync(FirstStart firstStart, string notice, CancellationToken cancellationToken)
    {
        await ServerConsole.WriteAsync(notice);
        await firstStart.EndAsync(cancellationToken);
    }

    /// <summary>Creates one of the first clients, unless an earlier start has created it.</summary>
    /// <returns>The client's credentials; null when the configuration has a client with that id.</returns>
    private async Task<(string Id, string Secret)?> MakeFirstClientAsync(FirstStart firstStart, ClientDocument document, CancellationToken cancellationToken)
    {
        var id = document.ClientId.Value;
        if (id == settings.Bootstrap.AdminClientId || silo.BootstrapClients.Any(client => client.Document.ClientId.Value == id))
        {
            return null;
        }

        var secret = firstStart.SecretOf(id);
        await CreateAsync(new NewClient(document, [new ClientSecretEntry { Secret = secret }]), cancellationToken);
        return (id, secret);
    }

    /// <summary>Creates a client if it never existed.</summary>
    /// <returns>Whether it was created now.</returns>
    private async Task<bool> CreateAsync(NewClient client, CancellationToken cancellationToken)
    {
        var id = client.Document.ClientId.Value;
        var grain = grains.Client(id);
        if ((await AskAsync(() => grain.GetAsync(cancellationToken), id, cancellationToken)).Outcome == ClientOutcome.Done)
        {
            // The client exists, so its slow hashes need not be computed again: each takes a third of a second.
            return false;
        }

        var now = clock.GetUtcNow();
        var command = new CreateClientCommand
        {
            DocumentJson = ClientDocumentWriter.ToStoredJson(client.Document),
            Enabled = client.Document.Enabled ?? true,
            Secrets = [.. client.Secrets.Select(NewSecrets.Of)],
            Actor = new ActorRecord(Actor, "", "", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))),
            OnlyIfNeverExisted = true,
            CreatedAt = now,
        };
        return (await AskAsync(() => grain.CreateAsync(command, cancellationToken), id, cancellationToken)).Outcome == ClientOutcome.Done;
    }

    /// <summary>Asks a grain, and asks again while storage or the grain's silo does not answer. Each call here is safe to repeat.</summary>
    private async Task<ClientAnswer> AskAsync(Func<Task<ClientAnswer>> call, string id, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        while (true)
        {
            try
            {
                var answer = await call();
                if (answer.Outcome != ClientOutcome.Unavailable)
                {
                    return answer;
                }
            }
            catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
            {
                LogRepeated(id, e.GetType().Name);
            }

            if (clock.GetElapsedTime(started) > TryFor)
            {
                throw new StartupException($"The client '{id}' could not be stored within a minute because the database does not answer; start again when it does.");
            }

            await Task.Delay(TryAgainAfter, clock, cancellationToken);
        }
    }

    private static ClientDocument Admin(string id) => new()
    {
        ClientId = Parse(id),
        Name = "Administrator",
        Scopes = [ServerScopes.Admin, ServerScopes.Read],
    };

    private static ClientDocument Demo(string id) => new()
    {
        ClientId = Parse(id),
        Name = "Demo client",
        Scopes = ["read", "write"],
    };

    private static ClientId Parse(string id) =>
        ClientId.TryParse(id, out var clientId) ? clientId : throw new StartupException($"'{id}' is not a client id.");

    [LoggerMessage(1106, LogLevel.Debug, "Asking for client {ClientId} again after {Reason}.")]
    private partial void LogRepeated(string clientId, string reason);

    [LoggerMessage(1109, LogLevel.Warning, "The client {ClientId} of AuthCluster:Bootstrap:ClientsFile has no secret and gets no token; add one by POST /admin/v1/clients/{ClientId}/secrets.")]
    private partial void LogWithoutSecret(string clientId);

    [LoggerMessage(1104, LogLevel.Critical, "The start is refused: {Problem}")]
    private partial void LogRefused(string problem);
}

/// <summary>A client to create, with its secrets.</summary>
internal sealed record NewClient(ClientDocument Document, IReadOnlyList<ClientSecretEntry> Secrets)
{
    public override string ToString() => $"NewClient({Document.ClientId})";
}
