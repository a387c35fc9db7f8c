using AuthCluster.Contracts.Admin;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;

namespace AuthCluster.StorageTests.Clients;

public sealed class CatalogueStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Pages_hold_every_client_once_in_ordinal_order(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        string[] ids = ["a", "B", "b", "a-1", "a.1", "a_1", "a~1", "A", "Z", "z", "1", "01", "0", "aa", "AA", "~", "-", "a-", "_"];
        await CreateAsync(under, ids.Select(id => Samples.Client(id)));
        var store = new CatalogueStore(under.Database);

        foreach (var limit in new[] { 1, 2, 5, 19, 1_000 })
        {
            Assert.Equal(ids.Order(StringComparer.Ordinal), await WalkAsync(store, new ListClientsQuery(null, null, null, limit)));
            Assert.Equal(
                ids.Where(id => id.StartsWith('a')).Order(StringComparer.Ordinal),
                (await WalkAsync(store, new ListClientsQuery("a", null, null, limit))).Where(id => id.StartsWith('a')));
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Search_finds_the_beginning_of_an_id_exactly_and_of_a_name_in_any_case(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await CreateAsync(under,
        [
            Samples.Client("orders") with { Name = "Zebra" },
            Samples.Client("Orders2") with { Name = "Übung" },
            Samples.Client("x1") with { Name = "ORDERS service" },
            Samples.Client("x2") with { Name = "reorders" },
            Samples.Client("x3") with { Name = "100% sure_thing" },
            Samples.Client("x4") with { Name = "100 sureXthing" },
            Samples.Client("x5") with { Name = "e\u0301clair" },
            Samples.Client("x6") with { Name = "orders\U0010FFFD" },
            Samples.Client("x7") with { Name = "orders\uFFFD" },
        ]);
        var store = new CatalogueStore(under.Database);

        Assert.Equal(["orders", "x1", "x6", "x7"], await WalkAsync(store, new ListClientsQuery("orders", null, null, 2)));
        Assert.Equal(["Orders2", "x1", "x6", "x7"], await WalkAsync(store, new ListClientsQuery("Orders", null, null, 100)));
        Assert.Equal(["Orders2"], await WalkAsync(store, new ListClientsQuery("übu", null, null, 100)));
        Assert.Equal(["x3"], await WalkAsync(store, new ListClientsQuery("100%", null, null, 100)));
        Assert.Empty(await WalkAsync(store, new ListClientsQuery("%", null, null, 100)));
        Assert.Empty(await WalkAsync(store, new ListClientsQuery("_", null, null, 100)));
        Assert.Equal(["x5"], await WalkAsync(store, new ListClientsQuery("\u00c9CL", null, null, 100)));
        Assert.Empty(await WalkAsync(store, new ListClientsQuery("service", null, null, 100)));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Blanks_at_the_end_of_a_search_text_count(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await CreateAsync(under,
        [
            Samples.Client("a") with { Name = "Orders", Owner = "team" },
            Samples.Client("b") with { Name = "Orders service", Owner = "team " },
        ]);
        var store = new CatalogueStore(under.Database);

        Assert.Equal(["a"], await WalkAsync(store, new ListClientsQuery(null, "team", null, 10)));
        Assert.Equal(["b"], await WalkAsync(store, new ListClientsQuery(null, "team ", null, 10)));
        Assert.Equal(["b"], await WalkAsync(store, new ListClientsQuery("orders ", null, null, 10)));
        Assert.Equal(["b"], await WalkAsync(store, new ListClientsQuery("orders ", "team ", null, 10)));
        Assert.Empty(await WalkAsync(store, new ListClientsQuery("orders ", "team", null, 10)));
        Assert.Empty(await WalkAsync(store, new ListClientsQuery("a ", null, null, 10)));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Hostile_texts_find_nothing_and_break_nothing(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await CreateAsync(under, [Samples.Client("orders") with { Owner = "payments" }]);
        var store = new CatalogueStore(under.Database);
        string[] texts = ["\0", "orders\0", "\ud800", "\udc00x", "'; drop table client_catalogue; --", "\uFFFF", "\U0010FFFF", new string('o', 100_000), "' or ''='"];

        foreach (var text in texts)
        {
            Assert.Empty((await store.PageAsync(new ListClientsQuery(text, null, null, 10), Cancel)).Items);
            Assert.Empty((await store.PageAsync(new ListClientsQuery(null, text, null, 10), Cancel)).Items);
            Assert.Empty((await store.PageAsync(new ListClientsQuery(text, text, text, 10), Cancel)).Items);
            await store.PageAsync(new ListClientsQuery(null, null, text, 10), Cancel);
        }

        Assert.Single((await store.PageAsync(new ListClientsQuery(null, null, null, 10), Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Any_list_agrees_with_a_plain_filter_over_all_clients(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var random = new Random(4711);
        string Word(int most) => string.Concat(Enumerable.Range(0, random.Next(1, most)).Select(_ => "abAB-é"[random.Next(6)]));
        var clients = Enumerable.Range(0, 400)
            .Select(_ => Word(6).Replace('é', 'z'))
            .Distinct(StringComparer.Ordinal)
            .Select(id => Samples.Client(id) with { Name = Word(5), Owner = random.Next(3) == 0 ? "" : Word(2) })
            .ToList();
        await CreateAsync(under, clients);
        var store = new CatalogueStore(under.Database);

        for (var round = 0; round < 150; round++)
        {
            var search = random.Next(4) == 0 ? null : Word(4);
            var owner = random.Next(3) == 0 ? Word(2) : null;
            var after = random.Next(3) == 0 ? Word(4).Replace('é', 'z') : null;
            var expected = clients
                .Where(client => owner is null || client.Owner == owner)
                .Where(client => string.CompareOrdinal(client.ClientId, after) > 0)
                .Where(client => search is null
                    || client.ClientId.StartsWith(search, StringComparison.Ordinal)
                    || client.Name.ToUpperInvariant().StartsWith(search.ToUpperInvariant(), StringComparison.Ordinal))
                .Select(client => client.ClientId)
                .Order(StringComparer.Ordinal)
                .ToList();

            Assert.Equal(expected, await WalkAsync(store, new ListClientsQuery(search, owner, after, random.Next(1, 50))));
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_listed_client_tells_when_it_was_last_used(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await CreateAsync(under, [Samples.Client("a"), Samples.Client("b")]);
        var minute = new DateTimeOffset(2026, 3, 4, 5, 6, 0, TimeSpan.Zero);
        await new UsageStore(under.Database).FlushAsync(
            new UsageFlush("silo", 1, minute), [], [new LastUse("b", "client", "", minute), new LastUse("b", "scope", "read", minute.AddMinutes(1))], Cancel);

        var items = (await new CatalogueStore(under.Database).PageAsync(new ListClientsQuery(null, null, null, 10), Cancel)).Items;

        Assert.Equal([null, minute], items.Select(item => item.LastUsedAt));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Only_enabled_admins_are_counted(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await CreateAsync(under,
        [
            Samples.Client("a") with { IsAdmin = true },
            Samples.Client("b") with { IsAdmin = true, Enabled = false },
            Samples.Client("c"),
            Samples.Client("d") with { IsAdmin = true },
        ]);

        Assert.Equal(2, await new CatalogueStore(under.Database).CountEnabledAdminsAsync(Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Secrets_that_expire_are_listed_soonest_first(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        CataloguePart Secret(string id, int days) => new(CataloguePart.SecretKind, id, null, Samples.Now, Samples.Now.AddDays(days));
        await CreateAsync(under,
        [
            Samples.Client("a") with { Owner = "team", Parts = [Secret("late", 40), Secret("soon", 2), new CataloguePart(CataloguePart.SecretKind, "never", null, Samples.Now, null)] },
            Samples.Client("b") with { Enabled = false, Parts = [Secret("sooner", 1), Secret("past", -1)] },
        ]);

        var expiring = await new CatalogueStore(under.Database).ExpiringSecretsAsync(Samples.Now, Samples.Now.AddDays(30), null, 10, Cancel);

        Assert.Equal([("b", "sooner", false, ""), ("a", "soon", true, "team")], expiring.Select(secret => (secret.ClientId, secret.SecretId, secret.ClientEnabled, secret.Owner)));
        Assert.Single(await new CatalogueStore(under.Database).ExpiringSecretsAsync(Samples.Now, Samples.Now.AddDays(30), null, 1, Cancel));
    }

    private static async Task CreateAsync(DatabaseUnderTest under, IEnumerable<CatalogueEntry> clients)
    {
        var writes = new ClientWrites(under.Database);
        foreach (var client in clients)
        {
            await writes.TellAsync(client);
        }
    }

    private static async Task<List<string>> WalkAsync(CatalogueStore store, ListClientsQuery query)
    {
        var ids = new List<string>();
        for (var page = await store.PageAsync(query, Cancel); ; page = await store.PageAsync(query with { After = page.Next }, Cancel))
        {
            Assert.InRange(page.Items.Count, 0, query.Limit);
            ids.AddRange(page.Items.Select(item => item.ClientId));
            if (page.Next is null)
            {
                return ids;
            }
        }
    }
}
