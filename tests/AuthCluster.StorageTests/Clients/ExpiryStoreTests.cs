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
        Assert.Empty(await store.ClaimAsync(Samples.Now, 1, 10, Cancel));
        Assert.Equal("orders", Assert.Single(await store.ClaimAsync(Samples.Now, 7, 10, Cancel)).ClientId);
        // A nearer warning stands for those further ahead.
        Assert.Empty(await store.ClaimAsync(Samples.Now, 7, 10, Cancel));
        Assert.Empty(await store.ClaimAsync(Samples.Now, 30, 10, Cancel));

        Assert.Equal(0, await store.SweepAsync(end.AddSeconds(-1), 10, Cancel));
        Assert.Equal(1, await store.SweepAsync(end, 10, Cancel));
        Assert.Equal(0, await store.SweepAsync(end, 10, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task Of_those_who_claim_at_once_one_gets_the_warning(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await StoreAsync(under, "orders", Samples.Now.AddDays(5));

        var claimed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => new ExpiryStore(under.Database).ClaimAsync(Samples.Now, 7, 10, Cancel)));

        Assert.Single(claimed.SelectMany(one => one));
    }

    private static Task StoreAsync(DatabaseUnderTest under, string clientId, DateTimeOffset end) => new OutboxStore(under.Database).ApplyAsync(
        new OutboxBatch(
            [],
            Samples.Client(clientId) with { Parts = [new CataloguePart(CataloguePart.SecretKind, "s1", null, Samples.Now, end)] },
            []),
        Cancel);
}
