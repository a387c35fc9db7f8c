using System.Reflection;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.StorageTests.Clients;

namespace AuthCluster.StorageTests.Admin;

public sealed class AuditStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task An_entry_comes_back_as_it_went_in(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var record = Samples.Audit("a-1").Record with { BeforeJson = """{"b": "é𝒳\u0000"}""", AfterJson = null, Actor = "system:bootstrap", Target = "orders" };
        await AddAsync(under, [new AuditEntry(record, "orders")]);

        var read = Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);

        Assert.Equal(record with { At = Samples.Stored(record.At) }, read);
        Assert.Equal(["orders"], await under.QueryAsync<string>("select client_id from audit"));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Pages_go_from_the_newest_to_the_oldest_and_leave_none_out(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        // Several entries have the same time, and some are added late.
        var entries = Enumerable.Range(0, 60)
            .Select(n => Samples.Audit($"a-{(n * 37) % 60:00}", n % 3 == 0 ? "orders" : "", Samples.Now.AddSeconds(n / 7)))
            .ToList();
        await AddAsync(under, entries.Skip(20));
        await AddAsync(under, entries.Take(20));
        var store = new AuditStore(under.Database);
        var expected = entries.OrderByDescending(entry => entry.Record.At).ThenByDescending(entry => entry.Record.AuditId, StringComparer.Ordinal).ToList();

        foreach (var limit in new[] { 1, 7, 60, 1_000 })
        {
            Assert.Equal(expected.Select(entry => entry.Record.AuditId), await WalkAsync(store, null, limit));
            Assert.Equal(
                expected.Where(entry => entry.ClientId == "orders").Select(entry => entry.Record.AuditId), await WalkAsync(store, "orders", limit));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("x")]
    [InlineData("-1.a")]
    [InlineData("99999999999999999999.a")]
    [InlineData("9223372036854775807.a")]
    [InlineData("1\0.a")]
    [InlineData("1.\0")]
    [InlineData("'")]
    [InlineData(".a-1")]
    public async Task An_audit_cursor_that_no_page_gave_is_refused(string text)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);

        Assert.False(AuditStore.IsNext(text));
        await Assert.ThrowsAsync<FormatException>(() => new AuditStore(under.Database).PageAsync(null, text, 10, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Audit_entries_are_found_by_the_exact_client_id_and_an_empty_id_finds_none(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await AddAsync(under, [Samples.Audit("a-1", "orders"), Samples.Audit("a-2", "Orders"), Samples.Audit("a-3")]);
        var store = new AuditStore(under.Database);

        Assert.Equal(["a-2"], await WalkAsync(store, "Orders", 10));
        Assert.Empty(await WalkAsync(store, "", 10));
        Assert.Empty(await WalkAsync(store, "order", 10));
        Assert.Empty(await WalkAsync(store, "\0", 10));
        Assert.Empty(await WalkAsync(store, "\ud800", 10));
    }

    [Fact]
    public void The_audit_can_only_be_added_to() =>
        Assert.Equal(
            ["PageAsync", "IsAuditedAsync"],
            typeof(AuditStore).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(method => method.Name));

    private static Task AddAsync(DatabaseUnderTest under, IEnumerable<AuditEntry> entries) =>
        new ClientWrites(under.Database).TellAsync(new ClientRows([.. entries], null, []));

    private static async Task<List<string>> WalkAsync(AuditStore store, string? clientId, int limit)
    {
        var ids = new List<string>();
        for (var page = await store.PageAsync(clientId, null, limit, Cancel); ; page = await store.PageAsync(clientId, page.Next, limit, Cancel))
        {
            ids.AddRange(page.Items.Select(entry => entry.AuditId));
            if (page.Next is null)
            {
                return ids;
            }
        }
    }
}
