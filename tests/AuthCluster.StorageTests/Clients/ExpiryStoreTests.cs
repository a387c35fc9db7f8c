using AuthCluster.Storage;
using AuthCluster.Storage.Clients;

namespace AuthCluster.StorageTests.Clients;

public sealed class ExpiryStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_warning_is_taken_over_once_and_forgotten_after_the_end_of_its_secret(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new ExpiryStore(under.Database);
        var end = Samples.Stored(Samples.Now.AddDays(5));
        await StoreAsync(under, "orders", end);
        await StoreAsync(under, "billing", Samples.Now.AddDays(50));

        Assert.Equal(end, await store.SoonestAsync(Samples.Now, Cancel));
        var found = Assert.Single(await store.EndingAsync(Samples.Now, end, null, 10, Cancel));
        Assert.Equal(("orders", "s1", end, null), (found.Secret.ClientId, found.Secret.SecretId, found.Secret.ExpiresAt, found.WarnedDays));
        Assert.Empty(await store.EndingAsync(end, end.AddDays(1), null, 10, Cancel));
        Assert.Empty(await store.EndingAsync(Samples.Now, end.AddSeconds(-1), null, 10, Cancel));

        Assert.Single(await store.ClaimAsync([new ExpiryWarning(found.Secret, 30)], Cancel));
        Assert.Single(await store.ClaimAsync([new ExpiryWarning(found.Secret, 7)], Cancel));
        Assert.Empty(await store.ClaimAsync([new ExpiryWarning(found.Secret, 7), new ExpiryWarning(found.Secret, 30)], Cancel));
        Assert.Equal(7, Assert.Single(await store.EndingAsync(Samples.Now, end, null, 10, Cancel)).WarnedDays);

        Assert.Equal(0, await store.SweepAsync(end.AddSeconds(-1), 10, Cancel));
        Assert.Equal(2, await store.SweepAsync(end, 10, Cancel));
        Assert.Equal(0, await store.SweepAsync(end, 10, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task Of_several_claims_of_one_warning_at_once_one_succeeds(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await StoreAsync(under, "orders", Samples.Now.AddDays(5));

        var store = new ExpiryStore(under.Database);
        var found = Assert.Single(await store.EndingAsync(Samples.Now, Samples.Now.AddDays(7), null, 10, Cancel));

        var claimed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.ClaimAsync([new ExpiryWarning(found.Secret, 7)], Cancel)));

        Assert.Single(claimed.SelectMany(one => one));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Secrets_that_all_end_at_one_moment_are_found_page_by_page(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new ExpiryStore(under.Database);
        foreach (var n in Enumerable.Range(0, 7))
        {
            await StoreAsync(under, $"c{n}", Samples.Now.AddDays(5));
        }

        var walked = new List<EndingSecret>();
        while (await store.EndingAsync(Samples.Now, Samples.Now.AddDays(7), walked.LastOrDefault()?.Secret, 3, Cancel) is { Count: > 0 } page)
        {
            walked.AddRange(page);
        }

        Assert.Equal(Enumerable.Range(0, 7).Select(n => $"c{n}"), walked.Select(secret => secret.Secret.ClientId));
    }

    private static Task StoreAsync(DatabaseUnderTest under, string clientId, DateTimeOffset end) => new ClientWrites(under.Database).TellAsync(
        Samples.Client(clientId) with { Parts = [new CataloguePart(CataloguePart.SecretKind, "s1", null, Samples.Now, end)] });
}
