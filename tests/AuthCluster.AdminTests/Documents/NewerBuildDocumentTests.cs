using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Documents;

/// <summary>A client document that a newer build stored, with a member that this one does not know.</summary>
public sealed class NewerBuildDocumentTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Later = """{"a":[1]}""";

    [Fact]
    public async Task A_member_that_a_newer_build_stored_is_shown_and_kept_and_cannot_be_changed()
    {
        await (await server.CallerAsync()).CreateAsync("of-newer-build");
        await server.Installation.StopAsync(TestContext.Current.CancellationToken);
        server.Execute(
            $$"""
            update grain_state set payload = cast(replace(cast(payload as text), '"metadata":{}', '"metadata":{},"later":{{Later}}') as blob)
            where grain_key = 'c:of-newer-build'
            """);
        await server.StartAsync();
        var admin = await server.CallerAsync();

        var read = await admin.GetAsync("/clients/of-newer-build");
        Assert.Equal(Later, LaterOf(read.Json));
        Assert.Equal(Later, LaterOf((await admin.PatchAsync("/clients/of-newer-build", """{ "name": "Patched" }""")).Json));
        Assert.Equal(Later, LaterOf((await admin.PutAsync("/clients/of-newer-build", read.Body, "*")).Json));

        var changed = read.Json.DeepClone();
        changed["later"] = 7;
        var replaced = await admin.PutAsync("/clients/of-newer-build", changed.ToJsonString(), "*");
        var patched = await admin.PatchAsync("/clients/of-newer-build", """{ "later": 7 }""");
        foreach (var refused in (Answer[])[replaced, patched])
        {
            refused.Refused(400);
            Assert.NotNull(refused.Json["errors"]!["later"]);
        }

        Assert.Equal(Later, LaterOf((await admin.GetAsync("/clients/of-newer-build")).Json));
        Assert.Null((await admin.PutAsync("/clients/of-newer-build", "{}", "*")).Json["later"]);
    }

    private static string? LaterOf(JsonNode client) => client["later"]?.ToJsonString();
}
