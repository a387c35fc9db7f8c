using System.Collections.Immutable;
using System.Security.Cryptography;
using AuthCluster.Contracts.Admin;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;

namespace AuthCluster.StorageTests.Admin;

public sealed class IdempotencyStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_same_key_gets_the_first_choices_back(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new IdempotencyStore(under.Database);
        var first = Row("key", "c-1");

        Assert.Equivalent(first, await store.InsertOrReadAsync(first, Samples.Now, Cancel), strict: true);
        var again = await store.InsertOrReadAsync(Row(Choice("key", "c-2") with { BodyHash = Hash("other body") }), Samples.Now, Cancel);

        Assert.Equivalent(first, again, strict: true);
        Assert.Equal("c-3", (await store.InsertOrReadAsync(Row("another key", "c-3"), Samples.Now, Cancel)).Choice.ClientId);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_row_without_a_secret_has_none(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        var read = await new IdempotencyStore(under.Database)
            .InsertOrReadAsync(Row(Choice("key", "c-1") with { EncryptedSecret = [], SecretId = "" }), Samples.Now, Cancel);

        Assert.Empty(read.Choice.EncryptedSecret);
        Assert.Equal("", read.Choice.SecretId);
        Assert.Equal([true], await under.QueryAsync<bool>("select case when encrypted_secret is null then 1 else 0 end from idempotency"));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Requests_at_once_with_one_key_agree(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new IdempotencyStore(under.Database);

        var rows = await Task.WhenAll(Enumerable.Range(0, 10).Select(n => Task.Run(() => store.InsertOrReadAsync(Row("key", $"c-{n}"), Samples.Now, Cancel))));

        Assert.Single(rows.Select(row => row.Choice.ClientId).Distinct());
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task An_expired_or_refused_key_gets_new_choices(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new IdempotencyStore(under.Database);
        await store.InsertOrReadAsync(Row("old", "c-1"), Samples.Now, Cancel);
        await store.InsertOrReadAsync(Row("refused", "c-2"), Samples.Now, Cancel);
        await store.DeleteAsync(Hash("refused"), Cancel);

        Assert.Equal("c-3", (await store.InsertOrReadAsync(Row("old", "c-3"), Samples.Now.AddHours(1), Cancel)).Choice.ClientId);
        Assert.Equal("c-4", (await store.InsertOrReadAsync(Row("refused", "c-4"), Samples.Now, Cancel)).Choice.ClientId);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_sweep_takes_expired_rows_and_no_more_than_it_may(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new IdempotencyStore(under.Database);
        for (var n = 0; n < 5; n++)
        {
            await store.InsertOrReadAsync(Row($"key-{n}", "c") with { ExpiresAt = Samples.Now.AddMinutes(n) }, Samples.Now.AddDays(-1), Cancel);
        }

        Assert.Equal(2, await store.SweepAsync(Samples.Now.AddMinutes(2), 2, Cancel));
        Assert.Equal(1, await store.SweepAsync(Samples.Now.AddMinutes(2), 2, Cancel));
        Assert.Equal(0, await store.SweepAsync(Samples.Now.AddMinutes(2), 2, Cancel));
    }

    [Fact]
    public void Neither_hash_nor_secret_is_printed() =>
        Assert.Equal("IdempotencyRow(c-1)", Row("key", "c-1").ToString());

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Requests_at_once_that_are_all_refused_each_get_choices_while_the_others_delete_theirs(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new IdempotencyStore(under.Database);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(async () =>
        {
            for (var times = 0; times < 100; times++)
            {
                Assert.StartsWith("c-", (await store.InsertOrReadAsync(Row("key", $"c-{n}"), Samples.Now, Cancel)).Choice.ClientId, StringComparison.Ordinal);
                await store.DeleteAsync(Hash("key"), Cancel);
            }
        })));

        Assert.Equal("last", (await store.InsertOrReadAsync(Row("key", "last"), Samples.Now, Cancel)).Choice.ClientId);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_key_that_was_used_under_a_clock_of_next_year_counts_for_an_hour_once_the_clock_is_right(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new IdempotencyStore(under.Database);
        var nextYear = Samples.Now.AddYears(1);
        await store.InsertOrReadAsync(Row(Choice("wrong", "c-1") with { CreatedAt = nextYear }) with { ExpiresAt = nextYear + IdempotencyStore.Lasts }, nextYear, Cancel);
        await store.InsertOrReadAsync(Row("right", "c-2") with { ExpiresAt = Samples.Now + IdempotencyStore.Lasts }, Samples.Now, Cancel);

        Assert.Equal(0, await store.SweepAsync(Samples.Now.AddSeconds(1), 10, Cancel));
        var within = await store.InsertOrReadAsync(Row("wrong", "c-3"), Samples.Now.AddMinutes(50), Cancel);

        Assert.Equal("c-1", within.Choice.ClientId);
        Assert.Equal(1, await store.SweepAsync(Samples.Now + IdempotencyStore.Lasts, 10, Cancel));
        Assert.Equal(1, await store.SweepAsync(Samples.Now.AddSeconds(1) + IdempotencyStore.Lasts, 10, Cancel));
    }

    private static IdempotencyRow Row(string key, string clientId) => Row(Choice(key, clientId));

    private static IdempotencyRow Row(IdempotencyChoice choice) => new(choice, Samples.Stored(Samples.Now).AddHours(1));

    private static IdempotencyChoice Choice(string key, string clientId) => new()
    {
        KeyHash = Hash(key),
        BodyHash = Hash("body"),
        ClientId = clientId,
        SecretId = "s-1",
        EncryptedSecret = [1, 2, 3],
        CreatedAt = Samples.Stored(Samples.Now),
    };

    private static ImmutableArray<byte> Hash(string text) => [.. SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))];
}
