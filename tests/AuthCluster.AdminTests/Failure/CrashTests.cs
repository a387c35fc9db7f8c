using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.AdminTests.Failure;

/// <summary>
/// The process is killed at each point of an administrative write: afterwards grain, catalogue and audit agree, and a repeat gets its answer.
/// </summary>
public sealed class CrashTests(PostgresInstallation installation) : IClassFixture<PostgresInstallation>
{
    private AdminServer Server => installation.Server;

    [Theory]
    [InlineData(CrashPoint.Choosing)]
    [InlineData(CrashPoint.WritingRow)]
    [InlineData(CrashPoint.Telling)]
    [InlineData(CrashPoint.Written)]
    public async Task A_server_killed_at_any_point_of_a_write_leaves_grain_catalogue_and_audit_in_agreement(CrashPoint point)
    {
        var name = $"at-{point}".ToLowerInvariant();
        var (created, rotated, disabled, deleted) = ($"{name}-created", $"{name}-rotated", $"{name}-disabled", $"{name}-deleted");
        var admin = await Server.CallerAsync();
        foreach (var id in (string[])[rotated, disabled, deleted])
        {
            await admin.CreateAsync(id, new JsonObject { ["scopes"] = new JsonArray("a") });
        }

        await installation.HoldAsync(point, name);

        Task<Answer> CreateAsync(AdminCaller caller) => caller.PostAsync("/clients", $$"""{ "clientId": "{{created}}", "scopes": ["b"] }""", ("Idempotency-Key", name));
        Task<Answer> RotateAsync(AdminCaller caller) => caller.PostAsync($"/clients/{rotated}/secrets", """{ "label": "new", "retireOthersAfter": 3600 }""", ("Idempotency-Key", name));
        var calls = new List<Task<Answer>> { CreateAsync(admin), RotateAsync(admin) };
        if (point != CrashPoint.Choosing)
        {
            calls.Add(admin.PostAsync($"/clients/{disabled}/disable"));
        }

        if (point is CrashPoint.WritingRow or CrashPoint.Telling)
        {
            // Not after the write: the feed takes one writer at a time, so while the first is held at its commit, the second writes nothing.
            calls.Add(admin.DeleteAsync($"/clients/{deleted}"));
        }

        await installation.HeldAsync(calls.Count);
        await installation.CrashAsync();
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => call);
        }

        admin = await Server.CallerAsync();
        var happened = point == CrashPoint.Written;
        Assert.Equal(happened ? 200 : 404, (await admin.GetAsync($"/clients/{created}")).Status);
        Assert.Equal(happened ? 2 : 1, (await admin.GetAsync($"/clients/{rotated}/secrets")).Items.Count);
        Assert.Equal(!happened, (await admin.GetAsync($"/clients/{disabled}")).Json["enabled"]!.GetValue<bool>());
        Assert.Equal(200, (await admin.GetAsync($"/clients/{deleted}")).Status);

        // The same requests again: each is carried out once in all, and answered alike from now on.
        var (again, rotatedAgain) = (await CreateAsync(admin), await RotateAsync(admin));
        Assert.Equal((201, 201), (again.Status, rotatedAgain.Status));
        Assert.Equal((again.Body, rotatedAgain.Body), ((await CreateAsync(admin)).Body, (await RotateAsync(admin)).Body));
        Assert.Equal(["client.create"], await Agreement.CheckAsync(admin, created));
        Assert.Equal(["client.create", "secret.add", "secret.retire"], await Agreement.CheckAsync(admin, rotated));
        Assert.Equal(happened ? ["client.create", "client.disable"] : ["client.create"], await Agreement.CheckAsync(admin, disabled));
        Assert.Equal(["client.create"], await Agreement.CheckAsync(admin, deleted));
        Assert.Equal(200, (await Server.TryTokenAsync(new TestClient(created, again.Json["secret"]!.GetValue<string>()))).Status);
        Assert.Equal(200, (await Server.TryTokenAsync(new TestClient(rotated, rotatedAgain.Json["secret"]!.GetValue<string>()))).Status);
    }

    [Fact]
    public async Task While_the_database_is_silent_writes_and_lists_are_503_tokens_are_issued_and_nothing_is_half_done()
    {
        var admin = await Server.CallerAsync();
        await admin.CreateAsync("in-the-silence");
        await Server.TokenAsync(AdminServer.Plain);

        await installation.Postgres.PauseAsync();
        try
        {
            foreach (var answer in await Task.WhenAll(
                admin.PostAsync("/clients", """{ "clientId": "not-made" }"""),
                admin.PostAsync("/clients", """{ "clientId": "not-made-either" }""", ("Idempotency-Key", "silence")),
                admin.PostAsync("/clients/in-the-silence/secrets", "{}"),
                admin.PutAsync("/clients/in-the-silence", "{}", "*"),
                admin.PatchAsync("/clients/in-the-silence", """{ "name": "x" }"""),
                admin.PostAsync("/clients/in-the-silence/disable"),
                admin.PostAsync("/clients/in-the-silence/revoke-tokens"),
                admin.DeleteAsync("/clients/in-the-silence"),
                admin.PostAsync("/revoke-tokens"),
                admin.GetAsync("/clients"),
                admin.GetAsync("/clients/in-the-silence"),
                admin.GetAsync("/clients/cold"),
                admin.GetAsync("/clients/in-the-silence/usage"),
                admin.GetAsync("/audit"),
                admin.GetAsync("/reports/unused"),
                admin.GetAsync("/reports/expiring"),
                admin.GetAsync("/reports/usage")))
            {
                answer.Refused(503);
            }

            Assert.Equal(200, (await Server.TryTokenAsync(AdminServer.Plain)).Status);
        }
        finally
        {
            await installation.Postgres.ContinueAsync();
        }

        string[] ids = ["in-the-silence", "not-made", "not-made-either"];
        await TestKit.Eventually.HoldsAsync(
            "all is well again", TimeSpan.FromSeconds(15),
            async () =>
            {
                if ((await Server.TryTokenAsync(AdminServer.Admin)).Status != 200)
                {
                    return false;
                }

                // The revocation of all may be carried out only now, and ends this token: one that is answered comes after it.
                admin = await Server.CallerAsync();
                if ((await admin.PostAsync("/revoke-tokens")).Status != 204)
                {
                    return false;
                }

                admin = await Server.CallerAsync();
                return (await Task.WhenAll(ids.Select(id => admin.GetAsync($"/clients/{id}")))).All(answer => answer.Status is 200 or 404);
            },
            TestContext.Current.CancellationToken);
        foreach (var id in ids)
        {
            await Agreement.CheckAsync(admin, id);
        }
    }
}
