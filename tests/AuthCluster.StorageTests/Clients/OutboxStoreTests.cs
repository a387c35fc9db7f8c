using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.StorageTests.Clients;

public sealed class OutboxStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_batch_that_is_applied_again_and_again_is_there_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);
        var client = Samples.Client("orders") with
        {
            Name = "Orders é 𝒳",
            Owner = "payments",
            Parts = [Secret("s-1", expiresAt: Samples.Now.AddDays(7)), Scope("orders:read")],
        };
        var batch = new OutboxBatch(
            [Samples.Audit("a-1", "orders"), Samples.Audit("a-2", "orders")],
            client,
            [new RevocationItem(RevocationKind.Client, "orders", "orders", 17, Samples.Now.AddHours(24))]);

        for (var time = 0; time < 3; time++)
        {
            await outbox.ApplyAsync(batch, Cancel);
        }

        var listed = Assert.Single((await new CatalogueStore(under.Database).PageAsync(new CatalogueQuery(null, null, null, 10), Cancel)).Items);
        var stored = Samples.Stored(Samples.Now);
        Assert.Equivalent(client with { Parts = [], CreatedAt = stored, UpdatedAt = stored }, listed, strict: true);
        Assert.Equal(2, (await new AuditStore(under.Database).PageAsync("orders", null, 10, Cancel)).Items.Count);
        Assert.Equal(17, Assert.Single((await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel)).Items).Gen);
        Assert.Equal(["client ", "scope orders:read", "secret s-1"], await PartsAsync(under));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_batch_that_names_a_part_twice_is_applied_and_has_it_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);
        var client = Samples.Client("orders") with { Parts = [Secret("s-1"), Secret("s-1"), Scope("read"), Scope("read")] };

        await outbox.ApplyAsync(new OutboxBatch([Samples.Audit("a-1", "orders")], client, []), Cancel);

        Assert.Equal(["client ", "scope read", "secret s-1"], await PartsAsync(under));
        Assert.True(await outbox.IsAuditedAsync("a-1", Cancel));
        Assert.False(await outbox.IsAuditedAsync("A-1", Cancel));
    }

    [Fact]
    public async Task Batches_that_wait_together_go_together_and_one_that_is_refused_takes_none_with_it()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        var outbox = new OutboxStore(under.Database);
        await under.ExecuteAsync("create trigger refuse before insert on audit when new.client_id = 'c-7' begin select raise(abort, 'refused by the test'); end");
        Task[] applied;
        using (await under.Database.EnterWriteAsync(Cancel))
        {
            applied = [.. Enumerable.Range(0, 40).Select(i => outbox.ApplyAsync(
                new OutboxBatch([Samples.Audit($"a-{i}", $"c-{i}")], Samples.Client($"c-{i}"), []), Cancel))];
            Assert.All(applied, task => Assert.False(task.IsCompleted));
        }

        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => applied[7]);
        await Task.WhenAll(applied.Where((_, i) => i != 7));

        var listed = (await new CatalogueStore(under.Database).PageAsync(new CatalogueQuery(null, null, null, 100), Cancel)).Items;
        Assert.Equal(39, listed.Count);
        Assert.DoesNotContain(listed, client => client.ClientId == "c-7");
        Assert.Equal(39, (await new AuditStore(under.Database).PageAsync(null, null, 100, Cancel)).Items.Count);

        await under.ExecuteAsync("drop trigger refuse");
        await outbox.ApplyAsync(new OutboxBatch([Samples.Audit("a-7", "c-7")], Samples.Client("c-7"), []), Cancel);
        Assert.Equal(40, (await new AuditStore(under.Database).PageAsync(null, null, 100, Cancel)).Items.Count);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Batches_at_once_that_repeat_each_other_all_succeed(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);

        await Task.WhenAll(Enumerable.Range(0, 12).Select(number => Task.Run(() => outbox.ApplyAsync(
            new OutboxBatch(
                [Samples.Audit("a-1", "orders")],
                Samples.Client("orders", version: 1 + (number % 3)) with { Parts = [Scope($"scope-{number % 3}")] },
                [new RevocationItem(RevocationKind.Client, "orders", "orders", 17, Samples.Now.AddHours(24))]),
            Cancel))));

        Assert.Equal(3, Assert.Single((await new CatalogueStore(under.Database).PageAsync(new CatalogueQuery(null, null, null, 10), Cancel)).Items).Version);
        Assert.Equal(["client ", "scope scope-2"], await PartsAsync(under));
        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
        Assert.Single((await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_late_repeat_of_an_older_change_does_not_undo_a_newer_one(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);
        var older = Samples.Client("orders", version: 1) with { Parts = [Scope("old")] };
        var newer = Samples.Client("orders", version: 2) with { Name = "Renamed", Enabled = false, Parts = [Scope("new")] };
        await outbox.ApplyAsync(new OutboxBatch([], older, []), Cancel);
        await outbox.ApplyAsync(new OutboxBatch([], newer, []), Cancel);

        await outbox.ApplyAsync(new OutboxBatch([Samples.Audit("late")], older, []), Cancel);

        var listed = Assert.Single((await new CatalogueStore(under.Database).PageAsync(new CatalogueQuery(null, null, null, 10), Cancel)).Items);
        Assert.Equal(("Renamed", false, 2L), (listed.Name, listed.Enabled, listed.Version));
        Assert.Equal(["client ", "scope new"], await PartsAsync(under));
        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_deleted_client_leaves_every_list_and_stays_away_until_it_is_made_anew(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);
        var catalogue = new CatalogueStore(under.Database);
        var usage = new UsageStore(under.Database);
        var client = Samples.Client("orders", version: 1) with { Owner = "payments", IsAdmin = true, Parts = [Secret("s-1", Samples.Now.AddDays(1))] };
        var tombstone = client with { Version = 2, Deleted = true, Enabled = false, Document = "" };
        await outbox.ApplyAsync(new OutboxBatch([], client, []), Cancel);
        await usage.FlushAsync(new UsageFlush("silo", 1, Samples.Now), [], [new LastUse("orders", "client", "", Samples.Now)], Cancel);

        await outbox.ApplyAsync(new OutboxBatch([], tombstone, []), Cancel);
        await outbox.ApplyAsync(new OutboxBatch([], client, []), Cancel);

        foreach (var query in new CatalogueQuery[] { new(null, null, null, 10), new("ord", null, null, 10), new(null, "payments", null, 10), new("ord", "payments", null, 10) })
        {
            Assert.Empty((await catalogue.PageAsync(query, Cancel)).Items);
        }

        Assert.Equal(0, await catalogue.CountEnabledAdminsAsync(Cancel));
        Assert.Empty(await catalogue.ExpiringSecretsAsync(Samples.Now, Samples.Now.AddDays(30), 10, Cancel));
        Assert.Empty(await usage.UnusedAsync(Samples.Now.AddDays(30), null, 10, Cancel));

        await outbox.ApplyAsync(new OutboxBatch([], client with { Version = 3 }, []), Cancel);
        var anew = Assert.Single((await catalogue.PageAsync(new CatalogueQuery(null, null, null, 10), Cancel)).Items);
        Assert.Null(anew.LastUsedAt);
        Assert.Equal(1, await catalogue.CountEnabledAdminsAsync(Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_last_uses_of_what_a_client_has_no_more_go_with_it_and_those_of_others_stay(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);
        var usage = new UsageStore(under.Database);
        CataloguePart[] parts = [Secret("s-1", null), Secret("s-2", null), Scope("read"), Scope("write"), Scope("s-2")];
        foreach (var id in (string[])["orders", "other"])
        {
            await outbox.ApplyAsync(new OutboxBatch([], Samples.Client(id) with { Parts = [.. parts] }, []), Cancel);
            var uses = parts.Select(part => new LastUse(id, part.Kind, part.Value, Samples.Now)).Append(new LastUse(id, "client", "", Samples.Now)).ToList();
            await usage.FlushAsync(new UsageFlush(id, 1, Samples.Now), [], uses, Cancel);
        }

        await outbox.ApplyAsync(new OutboxBatch([], Samples.Client("orders", version: 2) with { Parts = [parts[0], parts[2], parts[4]] }, []), Cancel);

        Assert.Equal(["client ", "scope read", "scope s-2", "secret s-1"], await UsesAsync("orders"));
        // A flush was late.
        await usage.FlushAsync(new UsageFlush("orders", 2, Samples.Now), [], [new LastUse("orders", "secret", "s-2", Samples.Now)], Cancel);
        await outbox.ApplyAsync(new OutboxBatch([], Samples.Client("orders", version: 3) with { Parts = [parts[0]], UpdatedAt = Samples.Now.AddMinutes(1) }, []), Cancel);
        Assert.Equal(["client ", "secret s-1"], await UsesAsync("orders"));
        // A flush was later still: what is made anew under the name was not used before; and another one was told earlier than the change.
        var changed = Samples.Now.AddMinutes(2);
        LastUse[] told = [new("orders", "scope", "read", Samples.Now), new("orders", "scope", "write", changed)];
        await usage.FlushAsync(new UsageFlush("orders", 3, Samples.Now), [], told, Cancel);
        await outbox.ApplyAsync(new OutboxBatch([], Samples.Client("orders", version: 4) with { Parts = [parts[0], parts[2], parts[3]], UpdatedAt = changed }, []), Cancel);
        Assert.Equal(["client ", "scope write", "secret s-1"], await UsesAsync("orders"));
        Assert.Equal(6, (await UsesAsync("other")).Count);

        async Task<List<string>> UsesAsync(string id) =>
            [.. (await usage.LastUsesAsync(id, Cancel)).Select(use => $"{use.Kind} {use.Value}").Order(StringComparer.Ordinal)];
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_batch_that_fails_leaves_nothing_behind(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var tooLong = new string('x', 201);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => new OutboxStore(under.Database).ApplyAsync(
            new OutboxBatch([Samples.Audit("a-1")], Samples.Client("orders"), [new RevocationItem(RevocationKind.Token, "orders", tooLong, 1, Samples.Now)]),
            Cancel));

        Assert.Equal(StorageFault.Rejected, StorageFaults.Of(failure));
        Assert.Empty((await new CatalogueStore(under.Database).PageAsync(new CatalogueQuery(null, null, null, 10), Cancel)).Items);
        Assert.Empty((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
        Assert.Empty(await PartsAsync(under));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Texts_that_no_column_holds_are_cut_and_do_not_stop_the_outbox(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var hostile = "\0\ud800" + string.Concat(Enumerable.Repeat("𝒳\ufb2c", 5_000));

        await new OutboxStore(under.Database).ApplyAsync(
            new OutboxBatch(
                [Samples.Audit("a-1") with { Actor = hostile, Target = hostile, RemoteAddress = hostile, RequestId = hostile }],
                Samples.Client("orders") with { Name = hostile, Owner = new string('o', 1_000), Parts = [Secret("s-1") with { Label = hostile }] },
                []),
            Cancel);

        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
        var listed = await new CatalogueStore(under.Database).PageAsync(new CatalogueQuery(null, new string('o', 1_000), null, 10), Cancel);
        Assert.Single(listed.Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_part_that_stays_keeps_its_time_and_takes_its_new_end(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var outbox = new OutboxStore(under.Database);
        var catalogue = new CatalogueStore(under.Database);
        await outbox.ApplyAsync(new OutboxBatch([], Samples.Client("orders", 1) with { Parts = [Scope("read"), Secret("s-1")] }, []), Cancel);

        var end = Samples.Now.AddDays(3);
        var later = Samples.Now.AddDays(1);
        await outbox.ApplyAsync(
            new OutboxBatch([], Samples.Client("orders", 2) with { Parts = [Scope("read") with { CreatedAt = later }, Secret("s-1", end) with { CreatedAt = later }] }, []),
            Cancel);

        Assert.Equal(Samples.Stored(end), Assert.Single(await catalogue.ExpiringSecretsAsync(Samples.Now, end, 10, Cancel)).ExpiresAt);
        var unused = await new UsageStore(under.Database).UnusedAsync(Samples.Now.AddHours(1), null, 10, Cancel);
        Assert.Equal(["client", "scope", "secret"], unused.Select(part => part.Kind));
        Assert.All(unused, part => Assert.Equal(Samples.Stored(Samples.Now), part.CreatedAt));
    }

    private static CataloguePart Secret(string id, DateTimeOffset? expiresAt = null) => new(CataloguePart.SecretKind, id, "a label", Samples.Now, expiresAt);

    private static CataloguePart Scope(string scope) => new(CataloguePart.ScopeKind, scope, null, Samples.Now, null);

    private static async Task<List<string>> PartsAsync(DatabaseUnderTest under) =>
        [.. (await under.QueryAsync<string>("select concat(kind, ' ', value) from client_part")).Order(StringComparer.Ordinal)];
}
