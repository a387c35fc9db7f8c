using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.GrainTests.Cluster;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Clients;

/// <summary>Merge patches, which the client's grain applies where writes take turns.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class PatchTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Patches_at_once_are_each_merged_with_what_the_one_before_left()
    {
        const int Patches = 20;
        var id = await cluster.CreateAsync(Document("read"));

        var answers = await Task.WhenAll(Enumerable.Range(0, Patches).Select(i => PatchAsync(id, $$"""{ "metadata": { "m{{i}}": "v" } }""")));

        Assert.All(answers, answer => Assert.Equal(ClientOutcome.Done, answer.Answer.Outcome));
        Assert.Equal(Patches, answers.Select(answer => answer.Answer.ETag).Distinct().Count());
        Assert.Equal(Patches, (await DocumentAsync(id))["metadata"]!.AsObject().Count);
    }

    [Fact]
    public async Task A_patch_that_makes_a_bad_document_changes_nothing_and_names_the_fields()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var before = await cluster.Client(id).GetAsync(Cancellation);

        var answer = await PatchAsync(id, """{ "name": "New", "tokenLifetimeSeconds": 1, "colour": "red" }""");

        Assert.Equal(["colour", "tokenLifetimeSeconds"], answer.Problems.Select(problem => problem.Field));
        var after = await cluster.Client(id).GetAsync(Cancellation);
        Assert.Equal(before.Client!.ETag, after.Client!.ETag);
        Assert.Equal(before.Client.DocumentJson, after.Client.DocumentJson);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{ "name": "a", "name": "b" }""")]
    public async Task A_text_that_is_no_patch_gets_one_problem_and_causes_no_fault(string patch)
    {
        var id = await cluster.CreateAsync(Document("read"));

        Assert.Single((await PatchAsync(id, patch)).Problems);
    }

    [Fact]
    public async Task A_patch_of_an_earlier_state_is_stale_and_a_patch_of_an_unknown_client_finds_none()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var first = (await cluster.Client(id).GetAsync(Cancellation)).Client!.ETag;

        Assert.Equal(ClientOutcome.Done, (await PatchAsync(id, """{ "name": "One" }""", first)).Answer.Outcome);
        // The document is bad too, but a caller who names an earlier state is told about the state first.
        Assert.Equal(ClientOutcome.Stale, (await PatchAsync(id, """{ "name": 1 }""", first)).Answer.Outcome);
        Assert.Equal("One", (await DocumentAsync(id))["name"]!.GetValue<string>());
        Assert.Equal(ClientOutcome.NotFound, (await PatchAsync(NewId("nobody"), """{ "name": "x" }""")).Answer.Outcome);
    }

    [Fact]
    public async Task A_patch_that_disables_ends_the_tokens_and_one_that_is_repeated_is_made_once()
    {
        var id = await cluster.CreateAsync(Document("read"));
        var generation = (await cluster.AskAsync(id)).Grant!.Generation;
        var command = Command("""{ "enabled": false }""", null);

        var answer = await cluster.Client(id).PatchAsync(command, Cancellation);
        await PatchAsync(id, """{ "enabled": true }""");
        var repeated = await cluster.Client(id).PatchAsync(command, Cancellation);

        Assert.False(answer.Answer.Client!.Enabled);
        Assert.Equal(answer.Answer.ETag, repeated.Answer.ETag);
        Assert.True(repeated.Answer.Client!.Enabled);
        Assert.Equal(generation + 1, (await cluster.AskAsync(id)).Grant!.Generation);
    }

    private Task<PatchClientAnswer> PatchAsync(string id, string patch, string? ifMatch = null) =>
        cluster.Client(id).PatchAsync(Command(patch, ifMatch), Cancellation);

    private static PatchClientCommand Command(string patch, string? ifMatch) =>
        new() { Patch = [.. Encoding.UTF8.GetBytes(patch)], IfMatch = ifMatch, Actor = Actor() };

    private async Task<JsonNode> DocumentAsync(string id) =>
        JsonNode.Parse((await cluster.Client(id).GetAsync(Cancellation)).Client!.DocumentJson)!;
}
