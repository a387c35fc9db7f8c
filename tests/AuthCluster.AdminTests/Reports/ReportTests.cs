using System.Globalization;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Reports;

/// <summary>The reports and the usage of a client over the admin API.</summary>
[Collection(OnAdminServer.Name)]
public sealed class ReportTests(AdminServer server)
{
    [Fact]
    public async Task Secrets_and_keys_that_expire_are_reported_the_soonest_first_page_by_page()
    {
        var admin = await server.CallerAsync();
        foreach (var (id, days) in (IEnumerable<(string, int)>)[("ends-later", 20), ("ends-soon", 10), ("ends-far", 60)])
        {
            await admin.CreateAsync(id, new JsonObject { ["metadata"] = new JsonObject { ["owner"] = "team-ends" } });
            await admin.PostAsync($"/clients/{id}/secrets", $$"""{ "label": "{{id}}", "expiresAt": "{{Text(DateTimeOffset.UtcNow.AddDays(days))}}" }""");
        }

        await admin.PostAsync("/clients/ends-later/disable");

        var month = await Agreement.PagesAsync(admin, "/reports/expiring?days=30&limit=1");
        var mine = month.Where(item => item["label"]?.GetValue<string>().StartsWith("ends-", StringComparison.Ordinal) == true).ToList();
        Assert.Equal(["ends-soon", "ends-later"], mine.Select(item => item["clientId"]!.GetValue<string>()));
        Assert.Equal([true, false], mine.Select(item => item["enabled"]!.GetValue<bool>()));
        Assert.All(mine, item => Assert.Equal(("secret", "team-ends"), (item["kind"]!.GetValue<string>(), item["owner"]!.GetValue<string>())));
        Assert.DoesNotContain(await Agreement.PagesAsync(admin, "/reports/expiring?days=5"), item => item["clientId"]?.GetValue<string>() == "ends-soon");

        // The signing key rotates in 90 days.
        var keys = (await Agreement.PagesAsync(admin, "/reports/expiring?days=91&limit=2")).Where(item => item["kind"]!.GetValue<string>() == "key").ToList();
        Assert.NotEmpty(Assert.Single(keys)["kid"]!.GetValue<string>());
        Assert.DoesNotContain(month, item => item["kind"]!.GetValue<string>() == "key");
    }

    [Fact]
    public async Task Usage_is_reported_by_hour_and_by_day_in_the_requested_window()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("windowed");
        await server.TokenAsync(client);
        await TestKit.Eventually.HoldsAsync(
            "the token is counted", TimeSpan.FromSeconds(4),
            async () => (await admin.GetAsync("/clients/windowed/usage")).Json["totals"]!["issued"]!.GetValue<long>() == 1,
            TestContext.Current.CancellationToken);
        var (yesterday, tomorrow) = (Text(DateTimeOffset.UtcNow.AddDays(-1)), Text(DateTimeOffset.UtcNow.AddDays(1)));

        var days = (await admin.GetAsync($"/clients/windowed/usage?from={yesterday}&to={tomorrow}&bucket=day")).Json;
        Assert.Equal("day", days["bucket"]!.GetValue<string>());
        Assert.InRange(days["items"]!.AsArray().Count, 2, 3);
        Assert.Equal(1, days["items"]!.AsArray().Sum(item => item!["issued"]!.GetValue<long>()));
        var before = (await admin.GetAsync($"/clients/windowed/usage?from={Text(DateTimeOffset.UtcNow.AddDays(-9))}&to={yesterday}&bucket=day")).Json;
        Assert.Equal(0, before["totals"]!["issued"]!.GetValue<long>());
        Assert.DoesNotContain((await admin.GetAsync($"/reports/usage?from={Text(DateTimeOffset.UtcNow.AddDays(-9))}&to={yesterday}")).Items, item => item!["clientId"]!.GetValue<string>() == "windowed");
        (await admin.GetAsync("/clients/nobody/usage")).Refused(404);
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
