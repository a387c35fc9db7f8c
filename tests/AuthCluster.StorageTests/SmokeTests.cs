using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Keys;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.StorageTests;

public sealed class SmokeTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Everything_goes_in_and_comes_out(StorageProvider provider)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var db = under.Database;
        Assert.All(await DatabaseUnderTest.MigratorOf(db).StatusAsync(ct), s => Assert.True(s.Applied));
        var keys = new KeyMaterialStore(db);
        Assert.Null(await keys.ReadAsync(ct));
        var material = await keys.InitialiseAsync(
            [new StoredSigningKey { Kid = "k1", Algorithm = "ES256", State = StoredKeyState.Active, WrappedPrivateKey = [1, 2], CreatedAt = Now, ActiveAt = Now }],
            new StoredPepper("p1", [3, 4], Now),
            Now,
            ct);
        Assert.Equal(1, material.RingVersion);
        Assert.True(await keys.TryChangeRingAsync(1, [material.SigningKeys[0] with { State = StoredKeyState.Retired, RetiredAt = Now }], [], [], ct));
        Assert.False(await keys.TryChangeRingAsync(1, [], [], [], ct));
        var floor = await keys.RaiseFloorAsync(Now, null, ct);
        Assert.Equal(material.Floor + (1 << 20), floor);
        var outbox = new OutboxStore(db);
        var audit = new AuditEntry { AuditId = "a1", At = Now, Actor = "me", Action = "client.create", Target = "c1", ClientId = "c1", After = "{}" };
        var entry = new CatalogueEntry
        {
            ClientId = "c1",
            Name = "Näme",
            Owner = "o",
            Enabled = true,
            IsAdmin = true,
            Document = "{}",
            ETag = "e",
            Version = 1,
            CreatedAt = Now,
            UpdatedAt = Now,
            Parts = [new CataloguePart(CataloguePart.SecretKind, "s1", "l", Now, Now.AddDays(1)), new CataloguePart(CataloguePart.ScopeKind, "read", null, Now, null)],
        };
        var batch = new OutboxBatch([audit], entry, [new RevocationItem(RevocationKind.Token, "c1", "jti", 5, Now.AddHours(1))]);
        await outbox.ApplyAsync(batch, ct);
        await outbox.ApplyAsync(batch, ct);
        var catalogue = new CatalogueStore(db);
        foreach (var query in new[] { new CatalogueQuery(null, null, null, 10), new("c", null, null, 10), new("nä", null, null, 10), new("nä", "o", null, 10), new(null, "o", null, 10) })
        {
            var one = Assert.Single((await catalogue.PageAsync(query, ct)).Items);
            Assert.Equal("c1", one.ClientId);
            Assert.Equal(Now, one.CreatedAt);
        }

        Assert.Equal(1, await catalogue.CountEnabledAdminsAsync(ct));
        Assert.Single(await catalogue.ExpiringSecretsAsync(Now, Now.AddDays(7), 10, ct));
        Assert.Single((await new AuditStore(db).PageAsync("c1", null, 10, ct)).Items);
        var usage = new UsageStore(db);
        await usage.FlushAsync([new UsageCount("c1", Now, "issued", "w", 5), new UsageCount("c1", Now, "issued", "w", 4)], [new LastUse("c1", "client", "", Now)], ct);
        await usage.FlushAsync([new UsageCount("c1", Now, "issued", "w", 3)], [], ct);
        Assert.Equal(5, Assert.Single(await usage.ReadAsync("c1", Now, Now.AddHours(1), ct)).Count);
        Assert.Equal(5, Assert.Single(await usage.TopAsync(Now, Now.AddHours(1), UsageOrder.Refused, 5, ct)).Issued);
        Assert.Single(await usage.LastUsesAsync("c1", ct));
        Assert.Equal(3, (await usage.UnusedAsync(Now.AddDays(1), null, 10, ct)).Count);
        var feed = await new RevocationStore(db).FeedAsync(null, 10, ct);
        Assert.Equal(2, feed.Items.Count);
        Assert.Empty((await new RevocationStore(db).FeedAsync(feed.Next, 10, ct)).Items);
        Assert.Equal(2, await new RevocationStore(db).SweepAsync(Now.AddDays(2), 10, ct));
    }
}
