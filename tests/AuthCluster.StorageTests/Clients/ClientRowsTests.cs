using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.StorageTests.Clients;

/// <summary>What a write of a client's row puts into the other tables.</summary>
public sealed class ClientRowsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Rows_that_are_written_again_and_again_are_stored_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var client = Samples.Client("orders") with
        {
            Name = "Orders é 𝒳",
            Owner = "payments",
            IsAdmin = true,
            Parts = [Secret("s-1", expiresAt: Samples.Now.AddDays(7)), Scope("orders:read")],
        };
        var records = new[] { Samples.Audit("a-1", "orders").Record with { BeforeJson = """{"é":"\u0000"}""" }, Samples.Audit("a-2", "orders").Record };
        var entries = records.Select(record => new AuditEntry(record, "orders")).ToList();

        for (var time = 0; time < 3; time++)
        {
            await new ClientWrites(under.Database).TellAsync(new ClientRows(entries, client, [Ended("orders", 17)]));
        }

        var stored = Samples.Stored(Samples.Now);
        Assert.Equivalent(
            new ClientView
            {
                ClientId = "orders",
                DocumentJson = client.Document,
                Enabled = true,
                ETag = client.ETag,
                CreatedAt = stored,
                UpdatedAt = stored,
            },
            await OnlyClientAsync(under),
            strict: true);
        Assert.Equal([("Orders é 𝒳", "payments", true, 1)], await CatalogueAsync(under));
        Assert.Equivalent(
            records.Reverse().Select(record => record with { At = stored }),
            (await new AuditStore(under.Database).PageAsync("orders", null, 10, Cancel)).Items,
            strict: true);
        Assert.Equal(
            Samples.Told(Ended("orders", 17)),
            Assert.Single((await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel)).Items));
        Assert.Equal(["client ", "scope orders:read", "secret s-1"], await PartsAsync(under));
        Assert.True(await new AuditStore(under.Database).IsAuditedAsync("a-1", Cancel));
        Assert.False(await new AuditStore(under.Database).IsAuditedAsync("A-1", Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_part_that_is_named_twice_is_stored_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        await new ClientWrites(under.Database).TellAsync(
            Samples.Client("orders") with { Parts = [Secret("s-1"), Secret("s-1"), Scope("read"), Scope("read")] });

        Assert.Equal(["client ", "scope read", "secret s-1"], await PartsAsync(under));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Writes_at_once_of_the_same_rows_all_succeed(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);

        await Task.WhenAll(Enumerable.Range(0, 12).Select(number => Task.Run(() => writes.TellAsync(new ClientRows(
            [Samples.Audit("a-1", "orders")],
            Samples.Client("orders", version: 1 + (number % 3)) with { Parts = [Scope($"scope-{number % 3}")] },
            [Ended("orders", 17)])))));

        Assert.Equal([("orders", "", false, 3)], await CatalogueAsync(under));
        Assert.Equal(["client ", "scope scope-2"], await PartsAsync(under));
        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
        Assert.Single((await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_late_rows_of_an_older_change_do_not_undo_a_newer_change(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var older = Samples.Client("orders", version: 1) with { Parts = [Scope("old")] };
        var newer = Samples.Client("orders", version: 2) with { Name = "Renamed", Enabled = false, Parts = [Scope("new")] };
        await writes.TellAsync(older);
        await writes.TellAsync(newer);

        await writes.TellAsync(new ClientRows([Samples.Audit("late")], older, []));

        Assert.Equal([("Renamed", "", false, 2)], await CatalogueAsync(under));
        Assert.False((await OnlyClientAsync(under)).Enabled);
        Assert.Equal(["client ", "scope new"], await PartsAsync(under));
        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_deleted_client_leaves_every_list_and_stays_away_until_it_is_made_anew(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var catalogue = new CatalogueStore(under.Database);
        var usage = new UsageStore(under.Database);
        var client = Samples.Client("orders", version: 1) with { Owner = "payments", IsAdmin = true, Parts = [Secret("s-1", Samples.Now.AddDays(1))] };
        var tombstone = client with { Version = 2, Deleted = true, Enabled = false, Document = "" };
        await TellAndUseAsync(under, client);

        await writes.TellAsync(tombstone);
        await writes.TellAsync(client);

        foreach (var query in new ListClientsQuery[] { new(null, null, null, 10), new("ord", null, null, 10), new(null, "payments", null, 10), new("ord", "payments", null, 10) })
        {
            Assert.Empty((await catalogue.PageAsync(query, Cancel)).Items);
        }

        Assert.Equal(0, await catalogue.CountEnabledAdminsAsync(Cancel));
        Assert.Empty(await catalogue.ExpiringSecretsAsync(Samples.Now, Samples.Now.AddDays(30), null, 10, Cancel));
        Assert.Empty(await usage.UnusedAsync(Samples.Now.AddDays(30), null, 10, Cancel));

        await writes.TellAsync(client with { Version = 3 });
        Assert.Null((await OnlyClientAsync(under)).LastUsedAt);
        Assert.Equal(1, await catalogue.CountEnabledAdminsAsync(Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_last_uses_of_removed_parts_are_deleted_and_those_of_other_parts_and_clients_stay(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var usage = new UsageStore(under.Database);
        CataloguePart[] parts = [Secret("s-1", null), Secret("s-2", null), Scope("read"), Scope("write"), Scope("s-2")];
        foreach (var id in (string[])["orders", "other"])
        {
            await TellAndUseAsync(under, Samples.Client(id) with { Parts = [.. parts] });
        }

        await writes.TellAsync(Samples.Client("orders", version: 2) with { Parts = [parts[0], parts[2], parts[4]] });

        Assert.Equal(["client ", "scope read", "scope s-2", "secret s-1"], await UsesAsync("orders"));
        // A late flush stores a use of the secret that the client no longer has.
        await usage.FlushAsync(new UsageFlush("orders", 2, Samples.Now), [], [new LastUse("orders", "secret", "s-2", Samples.Now)], Cancel);
        await writes.TellAsync(Samples.Client("orders", version: 3) with { Parts = [parts[0]], UpdatedAt = Samples.Now.AddMinutes(1) });
        Assert.Equal(["client ", "secret s-1"], await UsesAsync("orders"));
        // In an even later flush the use of "read" is older than the scope that is now created anew, and the use of "write" is not.
        var changed = Samples.Now.AddMinutes(2);
        LastUse[] told = [new("orders", "scope", "read", Samples.Now), new("orders", "scope", "write", changed)];
        await usage.FlushAsync(new UsageFlush("orders", 3, Samples.Now), [], told, Cancel);
        await writes.TellAsync(Samples.Client("orders", version: 4) with { Parts = [parts[0], parts[2], parts[3]], UpdatedAt = changed });
        Assert.Equal(["client ", "scope write", "secret s-1"], await UsesAsync("orders"));
        Assert.Equal(6, (await UsesAsync("other")).Count);

        async Task<List<string>> UsesAsync(string id) =>
            [.. (await usage.LastUsesAsync(id, Cancel)).Select(use => $"{use.Kind} {use.Value}").Order(StringComparer.Ordinal)];
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Texts_that_no_column_holds_are_cut_and_do_not_stop_the_write(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var hostile = "\0\ud800" + string.Concat(Enumerable.Repeat("𝒳\ufb2c", 5_000));

        await new ClientWrites(under.Database).TellAsync(new ClientRows(
            [new AuditEntry(Samples.Audit("a-1").Record with { Actor = hostile, Target = hostile, RemoteAddress = hostile, RequestId = hostile })],
            Samples.Client("orders") with { Name = hostile, Owner = new string('o', 1_000), Parts = [Secret("s-1") with { Label = hostile }] },
            []));

        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
        var listed = await new CatalogueStore(under.Database).PageAsync(new ListClientsQuery(null, new string('o', 1_000), null, 10), Cancel);
        Assert.Single(listed.Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_part_that_stays_keeps_its_time_and_takes_its_new_end_and_label(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var catalogue = new CatalogueStore(under.Database);
        await writes.TellAsync(Samples.Client("orders", 1) with { Parts = [Scope("read"), Secret("s-1")] });

        var end = Samples.Now.AddDays(3);
        var later = Samples.Now.AddDays(1);
        await writes.TellAsync(Samples.Client("orders", 2) with
        {
            Parts = [Scope("read") with { CreatedAt = later }, Secret("s-1", end) with { CreatedAt = later, Label = "A label" }],
        });

        var ending = Assert.Single(await catalogue.ExpiringSecretsAsync(Samples.Now, end, null, 10, Cancel));
        Assert.Equal((Samples.Stored(end), "A label"), (ending.ExpiresAt, ending.Label));
        var unused = await new UsageStore(under.Database).UnusedAsync(Samples.Now.AddHours(1), null, 10, Cancel);
        Assert.Equal(["client", "scope", "secret"], unused.Select(part => part.Kind));
        Assert.All(unused, part => Assert.Equal(Samples.Stored(Samples.Now), part.CreatedAt));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_client_with_as_many_parts_as_it_may_have_is_stored_and_changed(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var secrets = Enumerable.Range(0, 32).Select(n => Secret($"secret-{n}"));
        var client = Samples.Client("orders", 1) with { Parts = [.. secrets, .. Enumerable.Range(0, 100).Select(n => Scope($"scope:{n}"))] };

        await writes.TellAsync(client);
        await writes.TellAsync(client with { Version = 2, Parts = [.. secrets, .. Enumerable.Range(50, 100).Select(n => Scope($"scope:{n}"))] });

        var parts = await PartsAsync(under);
        Assert.Equal(133, parts.Count);
        Assert.Contains("scope scope:149", parts);
        Assert.DoesNotContain("scope scope:49", parts);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Readers_of_the_feed_miss_nothing_of_what_is_told_at_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var feed = new RevocationStore(under.Database);
        const int Writers = 4;
        const int Each = 15;
        var told = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var gen = 0; gen < Each; gen++)
            {
                await writes.TellAsync(new ClientRows([], null, [Ended($"c-{writer}", gen)]));
            }
        })));

        var read = new List<RevokedRecord>();
        string? after = null;
        for (var isLast = false; !isLast;)
        {
            isLast = told.IsCompleted;
            var page = await feed.FeedAsync(after, 1_000, Cancel);
            read.AddRange(page.Items);
            after = page.Next;
        }

        await told;
        Assert.Equal(Writers * Each, read.Count);
    }

    private static RevocationItem Ended(string client, long gen) => new(RevokedKind.Client, client, client, gen, Samples.Now.AddHours(24));

    private static CataloguePart Secret(string id, DateTimeOffset? expiresAt = null) => new(CataloguePart.SecretKind, id, "a label", Samples.Now, expiresAt);

    private static CataloguePart Scope(string scope) => new(CataloguePart.ScopeKind, scope, null, Samples.Now, null);

    /// <summary>Writes a client into the catalogue, and a use of the client and of each of its parts.</summary>
    private static async Task TellAndUseAsync(DatabaseUnderTest under, CatalogueEntry client)
    {
        await new ClientWrites(under.Database).TellAsync(client);
        LastUse[] uses =
        [
            new(client.ClientId, "client", "", Samples.Now),
            .. client.Parts.Select(part => new LastUse(client.ClientId, part.Kind, part.Value, Samples.Now)),
        ];
        await new UsageStore(under.Database).FlushAsync(new UsageFlush(client.ClientId, 1, Samples.Now), [], uses, Cancel);
    }

    private static async Task<ClientView> OnlyClientAsync(DatabaseUnderTest under) =>
        Assert.Single((await new CatalogueStore(under.Database).PageAsync(new ListClientsQuery(null, null, null, 10), Cancel)).Items);

    /// <summary>What the catalogue holds for its searches and counts.</summary>
    private static Task<List<(string Name, string Owner, bool IsAdmin, long Version)>> CatalogueAsync(DatabaseUnderTest under) =>
        under.QueryAsync<(string, string, bool, long)>("select name, owner, is_admin, version from client_catalogue");

    private static async Task<List<string>> PartsAsync(DatabaseUnderTest under) =>
        [.. (await under.QueryAsync<string>("select concat(kind, ' ', value) from client_part")).Order(StringComparer.Ordinal)];
}
