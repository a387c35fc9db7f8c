using System.Text.Json.Nodes;

namespace AuthCluster.AdminTests.Session;

/// <summary>
/// Whether the three places that know a client agree: its grain (what GET says), the catalogue (lists and reports) and the audit, whose
/// entries, replayed from the first one on, must lead to what there is now.
/// </summary>
public static class Agreement
{
    private static readonly string[] MadeByServer = ["createdAt", "updatedAt", "lastUsedAt", "etag"];

    /// <summary>Fails unless the three agree about a client.</summary>
    /// <param name="admin">The caller that asks.</param>
    /// <param name="id">The client, which may not exist.</param>
    /// <param name="isUsed">Whether it got tokens, so that the report on unused things does not list all of it.</param>
    /// <returns>The actions that the audit tells of, the oldest first.</returns>
    public static async Task<IReadOnlyList<string>> CheckAsync(AdminCaller admin, string id, bool isUsed = false)
    {
        ArgumentNullException.ThrowIfNull(admin);
        var entries = await PagesAsync(admin, $"/audit?client={id}&limit=100");
        entries.Reverse();
        var (document, secrets) = Replay(entries);
        var client = await admin.GetAsync($"/clients/{id}");
        var listed = (await PagesAsync(admin, $"/clients?search={id}")).SingleOrDefault(item => Text(item, "clientId") == id);
        var parts = (await PagesAsync(admin, "/reports/unused?days=0&limit=1000")).Where(item => Text(item, "clientId") == id)
            .Select(item => $"{Text(item, "kind")} {item["value"]}").Order(StringComparer.Ordinal);
        if (document is null)
        {
            client.Refused(404);
            Assert.Null(listed);
            Assert.Empty(parts);
            return Actions(entries);
        }

        Assert.True(client.Status == 200, client.ToString());
        Same(document, Bare(client.Json));
        Assert.NotNull(listed);
        Same(Bare(client.Json), Bare(listed));
        Assert.Equal(client.ETag, $"\"{Text(listed, "etag")}\"");
        var held = (await admin.GetAsync($"/clients/{id}/secrets")).Items.Select(item => item!).ToList();
        if (!isUsed)
        {
            Assert.Equal(
                (IEnumerable<string>)[
                    "client ",
                    .. document["scopes"]!.AsArray().Select(scope => $"scope {scope}").Order(StringComparer.Ordinal),
                    .. held.Select(secret => $"secret {Text(secret, "secretId")}").Order(StringComparer.Ordinal),
                ],
                parts);
        }

        // The secret that a client was created with has no entry of its own; all others have.
        foreach (var (secretId, told) in secrets)
        {
            var found = held.SingleOrDefault(secret => Text(secret, "secretId") == secretId);
            Assert.Equal(told is null, found is null);
            if (told is not null)
            {
                Same(told, Bare(found!));
            }
        }

        Assert.True(held.Count(secret => !secrets.ContainsKey(Text(secret, "secretId"))) <= 1, "A secret was added that the audit knows nothing of.");
        return Actions(entries);
    }

    /// <summary>All items of a list, page by page.</summary>
    public static async Task<List<JsonNode>> PagesAsync(AdminCaller admin, string path)
    {
        ArgumentNullException.ThrowIfNull(admin);
        var items = new List<JsonNode>();
        for (var next = ""; next is not null;)
        {
            var page = await admin.GetAsync(path + (next.Length > 0 ? "&after=" + Uri.EscapeDataString(next) : ""));
            Assert.True(page.Status == 200, page.ToString());
            items.AddRange(page.Items.Select(item => item!));
            next = page.Json["next"]?.GetValue<string>();
        }

        return items;
    }

    private static (JsonNode? Document, Dictionary<string, JsonNode?> Secrets) Replay(IEnumerable<JsonNode> entries)
    {
        JsonNode? document = null;
        Dictionary<string, JsonNode?> secrets = new(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            var (action, before, after) = (Text(entry, "action"), entry["before"], entry["after"]);
            switch (action)
            {
                case "client.create":
                    Assert.Null(document);
                    document = after;
                    secrets.Clear();
                    break;
                case "client.update" or "client.enable" or "client.disable" or "client.delete":
                    Same(document!, before!);
                    document = after;
                    break;
                case "client.revoke-tokens":
                    Assert.NotNull(document);
                    break;
                case "secret.add":
                    Assert.True(secrets.TryAdd(Text(after!, "secretId"), after));
                    break;
                case "secret.retire":
                    secrets[Text(after!, "secretId")] = after;
                    break;
                case "secret.revoke":
                    secrets[Text(before!, "secretId")] = null;
                    break;
                default:
                    Assert.Fail($"The audit tells of {action}.");
                    break;
            }
        }

        return (document, secrets);
    }

    private static List<string> Actions(IEnumerable<JsonNode> entries) => [.. entries.Select(entry => Text(entry, "action"))];

    private static JsonObject Bare(JsonNode json)
    {
        var bare = json.DeepClone().AsObject();
        foreach (var member in json["secretId"] is null ? MadeByServer : ["lastUsedAt"])
        {
            bare.Remove(member);
        }

        return bare;
    }

    private static void Same(JsonNode expected, JsonNode actual) => Assert.True(JsonNode.DeepEquals(expected, actual), $"{expected}\nis not\n{actual}");

    private static string Text(JsonNode json, string member) => json[member]!.GetValue<string>();
}
