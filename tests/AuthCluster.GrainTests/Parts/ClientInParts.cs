using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Fence;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.Limits;
using AuthCluster.Grains.Revocation;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Grains.Time;
using AuthCluster.Grains.Usage;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>The parts of one client's grain, put together as the grain does it: over a row in memory, with a clock that stands, without a silo.</summary>
internal sealed class ClientInParts : IClientRowListener, IAsyncDisposable
{
    public const string Id = "client";
    public static readonly DateTimeOffset Start = new(2026, 5, 15, 10, 30, 0, TimeSpan.Zero);

    private readonly GrainId _grain = GrainId.Create("client", ClientGrainKey.Of(Id));

    private readonly Database _database;

    /// <param name="row">The stored row; null for none.</param>
    /// <param name="database">The tables beside the row; by default a database that cannot be opened, for a test that needs none.</param>
    public ClientInParts(ClientState? row = null, Database? database = null)
    {
        _database = database ?? new Database(StorageProvider.PostgreSql, "Host=nowhere.invalid");
        Rights = SiloWithRight(Clock);
        Table.Set(row);
        Gate = new StorageGate(_database, Clock, NullLogger<StorageGate>.Instance);
        Records = new ClientRecordStore(new FailingStorage(Table, Failures), Gate, _database, NullLogger<ClientRecordStore>.Instance);
        var defaults = new ClientDefaults(GrainCluster.Issuer, GrainCluster.DefaultAudience, GrainCluster.LifetimeSeconds);
        var peppers = Peppers();
        var activity = new SiloActivity(Clock);
        var services = new ClientGrainServices(
            Records,
            new AuditStore(_database),
            new CatalogueStore(_database),
            new RevocationStore(_database),
            Gate,
            new UsageBook(activity),
            activity,
            peppers,
            new GenerationFloor(),
            Rights,
            (key, version, _, _, _) =>
            {
                Rights.Fence.Void(key, version, Rights.Now);
                Confirmed.Add(version);
                return Task.FromResult(new FenceAnswer(FenceOutcome.Everywhere, []));
            },
            defaults,
            new TrustedClock(_ => Task.FromResult<DateTimeOffset?>(null), Clock, NullLogger<TrustedClock>.Instance),
            Clock);
        Row = new ClientRow(Id, _grain, Records, defaults, Rights, this, Clock, NullLogger.Instance);
        Limits = new ClientLimits(Clock, spread: 0, () => Rights.Mandate.MaySpend(Rights.Now));
        LimitWork = new LimitWork(Timers, Row, Limits, services);
        Secrets = new SecretCheck(new SecretVerifier(Id, peppers), new SecretProofs(Row, peppers), Clock);
        var revoked = new RevokedTokens(Id, () => Decisions!.PresentGeneration + 1, services.Revocations, Gate, Clock);
        Decisions = new ClientDecisions(Row, Secrets, Limits, LimitWork, revoked, services);
        Administration = new ClientAdministration(Id, Row, Limits, services);
    }

    public FakeTimeProvider Clock { get; } = new(Start);

    public RowTable Table { get; } = new();

    public StorageFailures Failures { get; } = new();

    public TimersOfGrain Timers { get; } = new();

    public StorageGate Gate { get; }

    public ClientRecordStore Records { get; }

    /// <summary>The silo's right to decide, which it has.</summary>
    public SiloRights Rights { get; }

    /// <summary>The versions of the row that were made to hold on every silo.</summary>
    public List<long> Confirmed { get; } = [];

    public ClientRow Row { get; }

    public ClientLimits Limits { get; }

    public LimitWork LimitWork { get; }

    public SecretCheck Secrets { get; }

    public ClientDecisions Decisions { get; }

    public ClientAdministration Administration { get; }

    /// <summary>What the row has told its listener, in order.</summary>
    public List<string> Told { get; } = [];

    /// <summary>A client in memory whose row was read.</summary>
    public static async Task<ClientInParts> OpenAsync(ClientState? row, Database? database = null)
    {
        var parts = new ClientInParts(row, database);
        await parts.Row.OpenAsync(CancellationToken.None);
        return parts;
    }

    /// <summary>The right of a silo that has found itself active and holds the keys.</summary>
    public static SiloRights SiloWithRight(TimeProvider clock)
    {
        var rights = new SiloRights("silo", new FenceSettings("test", TimeSpan.FromMinutes(10), IsShared: false), clock);
        rights.Mandate.ReadReturned(new Membership(
            TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, [new SiloEntry("silo", "silo", SiloStanding.Active, TimeSpan.Zero)]));
        rights.Keys.TryInstall(1, TimeSpan.Zero, TimeSpan.Zero);
        return rights;
    }

    public static PepperRing Peppers()
    {
        var peppers = new PepperRing();
        peppers.Load([new("pepper", new byte[32])]);
        return peppers;
    }

    /// <summary>The stored state of an enabled client with these secrets, or with one.</summary>
    public static ClientState StateOf(JsonObject document, params NewSecret[] secrets) =>
        new ClientChanges(Id, new SecretChanges(new SecretVerifier(Id, Peppers()), Peppers()))
            .Create(null, Creation(document, secrets), new ChangeTime(Start, IsSteady: true)).Next!;

    public static ClientState PlainClient => StateOf(Document("read")) with { Revision = 1 };

    /// <summary>A document with a quota of so many tokens an hour.</summary>
    public static JsonObject WithQuota(long tokens, JsonObject? document = null)
    {
        document ??= Document("read");
        document["quota"] = new JsonObject { ["tokens"] = tokens, ["per"] = "hour" };
        return document;
    }

    /// <summary>A document with a rate limit so slow that no test gets a token because time has passed.</summary>
    public static JsonObject WithRateLimit(long burst, JsonObject? document = null)
    {
        document ??= Document("read");
        document["rateLimit"] = new JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = burst };
        return document;
    }

    /// <summary>Callers that ask at once, each for one token.</summary>
    public List<Task<IssueTokenAnswer>> Ask(int callers) =>
        [.. Enumerable.Range(0, callers).Select(_ => Decisions.IssueAsync(Clients.TestClients.Ask()).AsTask())];

    /// <summary>Disables the client by a write of its row, as an administrator does.</summary>
    public Task<long?> DisableAsync() => Row.ChangeAsync(state => ValueTask.FromResult<ClientState?>(Disabled(state!)), CancellationToken.None);

    public static ClientState Disabled(ClientState state) =>
        state with { Enabled = false, Revision = state.Revision + 1, Generation = state.Generation + 1 };

    void IClientRowListener.WriteEnded(RecordOutcome outcome)
    {
        Told.Add($"write ended: {outcome}");
        Limits.WriteEnded(outcome);
    }

    void IClientRowListener.RowReplaced(ClientPolicy? policy, ClientState? stored)
    {
        Told.Add(policy is null ? "replaced: nobody" : "replaced: client");
        Decisions.CountFor(policy is null ? null : Id);
        if (policy is not null)
        {
            Secrets.ForgetExcept(policy);
            Limits.Load(policy.Document, stored!, "this activation");
        }
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
