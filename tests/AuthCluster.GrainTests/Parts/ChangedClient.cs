using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Storage.Clients;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>The stored state of one client under one change after the other, as its grain makes and stamps them.</summary>
internal sealed class ChangedClient
{
    public const string Id = "client";
    public const long Floor = 1_000;

    private readonly ChangeStamp _stamp = new(Id);

    public ChangedClient()
    {
        var verifier = new SecretVerifier(Id, ClientInParts.Peppers());
        Secrets = new SecretChanges(verifier, ClientInParts.Peppers());
        Changes = new ClientChanges(Id, Secrets);
    }

    public ClientChanges Changes { get; }

    public SecretChanges Secrets { get; }

    public DateTimeOffset Now { get; set; } = ClientInParts.Start;

    public bool IsSteady { get; set; } = true;

    public ChangeTime Time => new(Now, IsSteady);

    public ClientState? State { get; set; }

    /// <summary>The rows that tell of the last change.</summary>
    public ClientRows Rows { get; private set; } = new([], null, []);

    /// <summary>The client as administrators see it.</summary>
    public ClientView? View => ClientViews.Of(Id, State, lastUsedAt: null, Now);

    public static ChangedClient Created(params NewSecret[] secrets)
    {
        var client = new ChangedClient();
        Assert.Equal(ClientOutcome.Done, client.Create(Creation(Document("read"), secrets)).Outcome);
        return client;
    }

    public Change Create(CreateClientCommand command) =>
        Make(command.Actor, (state, time) => Changes.Create(state, command, time));

    public Change AddSecret(NewSecret secret, TimeSpan? retireOthersAfter = null, string? key = null, string? ifMatch = null) =>
        AddSecret(new AddSecretCommand(secret, retireOthersAfter, ifMatch, Actor(), key, Now));

    public Change AddSecret(AddSecretCommand command) => Make(command.Actor, (state, time) => Changes.AddSecret(state, command, time));

    public Change RevokeSecret(string id, bool force = false) =>
        Make(Actor(), (state, time) => ClientChanges.RevokeSecret(state, new RevokeSecretCommand(id, force, null, Actor()), time));

    public Change SetEnabled(bool enabled) =>
        Make(Actor(), (state, _) => ClientChanges.SetEnabled(state, new SetEnabledCommand(enabled, null, Actor())));

    public Change Replace(string document, bool? enabled = null) => Make(
        Actor(),
        (state, _) => ClientChanges.Replace(state, new ReplaceClientCommand { DocumentJson = document, Enabled = enabled, Actor = Actor() }));

    public Change Delete() => Make(Actor(), (state, _) => ClientChanges.Delete(state, new DeleteClientCommand(null, Actor())));

    public Change RevokeTokens() => Make(Actor(), (state, _) => ClientChanges.RevokeTokens(state, new RevokeTokensCommand(null, Actor())));

    /// <summary>Makes a change and stores its result.</summary>
    public Change Make(ActorRecord actor, Func<ClientState?, ChangeTime, Change> decide)
    {
        var present = IsSteady ? State?.WithoutLongEnded(Now) : State;
        var change = decide(present, Time);
        if (change.Next is not { } next)
        {
            return change;
        }

        var document = next.Document is { } json ? ClientDocumentReader.ReadStored(Id, json.GetRawText()) : null;
        var stamped = _stamp.Stamp(State, present, next, document, actor, change, Time, Floor);
        Rows = stamped.Rows!;
        State = stamped with { Rows = null };
        return change with { ETag = State.ETag };
    }
}
