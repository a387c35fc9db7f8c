using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using CsCheck;

namespace AuthCluster.AdminTests.Failure;

/// <summary>Whatever is asked of the admin API in whatever order, one after the other or at once: grain, catalogue and audit agree afterwards.</summary>
[Collection(OnAdminServer.Name)]
public sealed class AnySequenceTests(AdminServer server)
{
    private const int Clients = 3;
    private static int _sequences;

    private enum Kind
    {
        Create,
        Put,
        Patch,
        Disable,
        Enable,
        AddSecret,
        RevokeSecret,
        RevokeTokens,
        Delete,
    }

    /// <summary>One call. Its numbers choose a client and a variant of the call.</summary>
    private sealed record Call(Kind Kind, int Client, int Choice, bool Matched, bool Keyed);

    private static readonly Gen<Call> AnyCall = Gen.Select(
        Gen.Int[0, 8], Gen.Int[0, Clients - 1], Gen.Int[0, 5], Gen.Bool, Gen.Bool,
        (kind, client, choice, matched, keyed) => new Call((Kind)kind, client, choice, matched, keyed));

    [Fact]
    public async Task Grain_catalogue_and_audit_agree_after_any_sequence_of_calls()
    {
        var admin = await server.CallerAsync();

        await AnyCall.List[1, 20].SampleAsync(
            async calls =>
            {
                var ids = await BeginAsync(admin);
                foreach (var call in calls)
                {
                    await MakeAsync(admin, ids, call);
                }

                await CheckAsync(admin, ids);
            },
            iter: 25,
            threads: 1);
    }

    [Fact]
    public async Task Grain_catalogue_and_audit_agree_after_any_concurrent_calls()
    {
        var admin = await server.CallerAsync();

        await AnyCall.List[2, 20].SampleAsync(
            async calls =>
            {
                var ids = await BeginAsync(admin);
                await Task.WhenAll(calls.Select((call, index) => (call, index)).GroupBy(pair => pair.index % 4).Select(async lane =>
                {
                    foreach (var (call, _) in lane)
                    {
                        await MakeAsync(admin, ids, call);
                    }
                }));

                await CheckAsync(admin, ids);
            },
            iter: 25,
            threads: 1);
    }

    /// <summary>Clients of this sequence alone; two of them exist from the beginning.</summary>
    private static async Task<string[]> BeginAsync(AdminCaller admin)
    {
        var sequence = Interlocked.Increment(ref _sequences);
        string[] ids = [.. Enumerable.Range(0, Clients).Select(i => $"sequence-{sequence}-{i}")];
        await admin.CreateAsync(ids[0], new JsonObject { ["scopes"] = new JsonArray("a") });
        await admin.CreateAsync(ids[1], new JsonObject { ["enabled"] = false });
        return ids;
    }

    private static async Task CheckAsync(AdminCaller admin, string[] ids)
    {
        foreach (var id in ids)
        {
            await Agreement.CheckAsync(admin, id);
        }
    }

    private static async Task MakeAsync(AdminCaller admin, string[] ids, Call call)
    {
        var id = ids[call.Client];
        var path = $"/clients/{id}";
        (string, string)[] headers =
        [
            .. call.Matched ? (ReadOnlySpan<(string, string)>)[("If-Match", (await admin.GetAsync(path)).ETag ?? "\"none\"")] : [],
            .. call.Keyed ? (ReadOnlySpan<(string, string)>)[("Idempotency-Key", $"{id}-{call.Kind}-{call.Choice % 2}")] : [],
        ];
        var document = new JsonObject { ["name"] = $"Name {call.Choice}", ["scopes"] = new JsonArray([.. Enumerable.Range(0, call.Choice).Select(i => (JsonNode)$"s{i}")]) };
        var answer = call.Kind switch
        {
            Kind.Create => await admin.PostAsync("/clients", With(document, "clientId", id), headers),
            Kind.Put => await admin.SendAsync(HttpMethod.Put, path, call.Choice < 3 ? document.ToJsonString() : With(document, "enabled", call.Choice == 3), null, headers),
            Kind.Patch => await admin.PatchAsync(path, call.Choice < 3 ? $$"""{ "metadata": { "k{{call.Choice}}": "v" } }""" : $$"""{ "enabled": {{(call.Choice == 3 ? "true" : "false")}}, "name": null }""", headers),
            Kind.Disable => await admin.PostAsync(path + "/disable", null, headers),
            Kind.Enable => await admin.PostAsync(path + "/enable", null, headers),
            Kind.AddSecret => await admin.PostAsync(path + "/secrets", call.Choice < 3 ? "{}" : $$"""{ "label": "l{{call.Choice}}", "retireOthersAfter": {{call.Choice}} }""", headers),
            Kind.RevokeSecret => await RevokeAsync(admin, path, call, headers),
            Kind.RevokeTokens => await admin.PostAsync(path + "/revoke-tokens", null, headers),
            _ => await admin.DeleteAsync(path, headers),
        };
        Assert.Contains(answer.Status, (int[])[200, 201, 204, 404, 409, 412, 422, 428]);
    }

    private static async Task<Answer> RevokeAsync(AdminCaller admin, string path, Call call, (string, string)[] headers)
    {
        var listed = await admin.GetAsync(path + "/secrets");
        var secretId = listed.Status == 200 && listed.Items.Count > 0
            ? listed.Items[call.Choice % listed.Items.Count]!["secretId"]!.GetValue<string>()
            : "none";
        return await admin.DeleteAsync($"{path}/secrets/{secretId}{(call.Choice % 2 == 0 ? "?force=true" : "")}", headers);
    }

    private static string With(JsonObject document, string name, JsonNode value)
    {
        document[name] = value;
        return document.ToJsonString();
    }
}
