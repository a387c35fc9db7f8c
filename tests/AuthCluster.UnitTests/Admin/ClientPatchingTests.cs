using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Admin;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Admin;

/// <summary>Patches during a rolling upgrade: silos of an older build don't know the grain's method for patches.</summary>
public sealed class ClientPatchingTests
{
    private static readonly DateTimeOffset Then = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedClientGrain _grain = ScriptedClientGrain.Create();
    private readonly List<ReplaceClientCommand> _replacements = [];
    private readonly ClientPatching _patching;

    public ClientPatchingTests()
    {
        _patching = new ClientPatching(_grain.Grains(_clock), new AdminDefaults(3_600), _clock);
        // What Orleans answers for a silo that does not know a method.
        _grain.Answers["PatchAsync"] = _ => Task.FromException<PatchClientAnswer>(new TypeLoadException("Unable to resolve type alias"));
    }

    [Fact]
    public async Task A_silo_that_knows_the_method_is_asked_once_and_nothing_else()
    {
        _grain.Answers["PatchAsync"] = _ => Task.FromResult(new PatchClientAnswer(new ClientAnswer { Outcome = ClientOutcome.Done }, []));

        var answer = await PatchAsync("""{ "name": "New" }""");

        Assert.Equal(ClientOutcome.Done, answer.Answer.Outcome);
        Assert.Equal(["PatchAsync"], _grain.Calls);
    }

    [Fact]
    public async Task At_an_older_silo_the_patch_replaces_the_document_that_it_was_merged_with()
    {
        Stored(("1", """{ "clientId": "orders", "name": "Old", "scopes": ["read"] }"""));

        var answer = await PatchAsync("""{ "name": "New", "enabled": false }""");

        Assert.Equal(ClientOutcome.Done, answer.Answer.Outcome);
        var replacement = Assert.Single(_replacements);
        Assert.Equal("1", replacement.IfMatch);
        Assert.False(replacement.Enabled);
        Assert.Equal("audit-1", replacement.Actor.AuditId);
        var document = JsonNode.Parse(replacement.DocumentJson)!;
        Assert.Equal("New", document["name"]!.GetValue<string>());
        Assert.Equal("read", document["scopes"]![0]!.GetValue<string>());
    }

    [Fact]
    public async Task An_older_silo_is_asked_for_a_merge_once_a_minute_since_it_logs_an_error_each_time()
    {
        await PatchStoredAsync();
        _clock.Advance(TimeSpan.FromSeconds(59));
        await PatchStoredAsync();
        Assert.Single(_grain.Calls, call => call == "PatchAsync");
        _clock.Advance(TimeSpan.FromSeconds(1));
        await PatchStoredAsync();

        Assert.Equal(2, _grain.Calls.Count(call => call == "PatchAsync"));

        Task<PatchClientAnswer> PatchStoredAsync()
        {
            Stored(("1", """{ "clientId": "orders", "name": "Old" }"""));
            return PatchAsync("""{ "name": "New" }""");
        }
    }

    [Fact]
    public async Task At_an_older_silo_a_patch_that_lost_to_another_change_is_merged_with_the_changed_document()
    {
        Stored(("1", """{ "clientId": "orders", "name": "Old" }"""), ("2", """{ "clientId": "orders", "name": "Old", "metadata": { "other": "kept" } }"""));

        var answer = await PatchAsync("""{ "name": "New" }""");

        Assert.Equal(ClientOutcome.Done, answer.Answer.Outcome);
        Assert.Equal(["1", "2"], _replacements.Select(replacement => replacement.IfMatch));
        Assert.Equal("kept", JsonNode.Parse(_replacements[1].DocumentJson)!["metadata"]!["other"]!.GetValue<string>());
    }

    [Fact]
    public async Task At_an_older_silo_a_patch_of_a_named_state_is_not_applied_to_a_later_one()
    {
        Stored(("1", """{ "clientId": "orders" }"""), ("2", """{ "clientId": "orders" }"""));

        var overtaken = await PatchAsync("""{ "name": "New" }""", ifMatch: "1");
        var late = await PatchAsync("""{ "name": "New" }""", ifMatch: "1");

        Assert.Equal(ClientOutcome.Stale, overtaken.Answer.Outcome);
        Assert.Equal(ClientOutcome.Stale, late.Answer.Outcome);
        Assert.Single(_replacements);
    }

    [Fact]
    public async Task At_an_older_silo_a_bad_patch_writes_nothing_and_names_the_field()
    {
        Stored(("1", """{ "clientId": "orders" }"""));

        var answer = await PatchAsync("""{ "colour": "red" }""");

        Assert.Equal("colour", Assert.Single(answer.Problems).Field);
        Assert.Empty(_replacements);
    }

    [Fact]
    public async Task At_an_older_silo_a_patch_that_always_loses_ends_with_the_deadline()
    {
        Stored([.. Enumerable.Range(0, 100).Select(i => ($"{i}", """{ "clientId": "orders" }"""))]);
        var replace = _grain.Answers["ReplaceAsync"];
        _grain.Answers["ReplaceAsync"] = command =>
        {
            _clock.Advance(TimeSpan.FromSeconds(3));
            return replace(command);
        };

        Assert.Equal(ClientOutcome.Unavailable, (await PatchAsync("""{ "name": "New" }""")).Answer.Outcome);
        Assert.Equal(3, _replacements.Count);
    }

    /// <summary>Gives the grain these states in turn. A replacement of any state but the last is stale: the next state came first.</summary>
    private void Stored(params (string ETag, string Document)[] states)
    {
        var at = 0;
        _grain.Answers["GetAsync"] = _ => Task.FromResult(new ClientAnswer
        {
            Outcome = ClientOutcome.Done,
            Client = new ClientView
            {
                ClientId = "orders",
                DocumentJson = states[at].Document,
                Enabled = true,
                ETag = states[at].ETag,
                CreatedAt = Then,
                UpdatedAt = Then,
            },
        });
        _grain.Answers["ReplaceAsync"] = command =>
        {
            _replacements.Add((ReplaceClientCommand)command!);
            at = Math.Min(at + 1, states.Length);
            return Task.FromResult(new ClientAnswer { Outcome = at < states.Length ? ClientOutcome.Stale : ClientOutcome.Done });
        };
    }

    private Task<PatchClientAnswer> PatchAsync(string patch, string? ifMatch = null)
    {
        Assert.True(ClientId.TryParse("orders", out var id));
        var change = new AdminChange(new ActorRecord("boss", "127.0.0.1", "request", "audit-1"), new AdminDeadline(_clock));
        var command = new PatchClientCommand
        {
            Patch = [.. Encoding.UTF8.GetBytes(patch)],
            IfMatch = ifMatch,
            Actor = change.Actor,
        };
        return _patching.PatchAsync(id, change, command);
    }
}
