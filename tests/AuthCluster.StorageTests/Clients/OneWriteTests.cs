using System.Text;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.StorageTests.Clients;

/// <summary>A client's row and the rows that tell of its change are stored together, or not at all.</summary>
public sealed class OneWriteTests
{
    private const string Grain = "c:orders";

    private static readonly ClientRows Rows = new(
        [Samples.Audit("a-1", "orders")],
        Samples.Client("orders") with { Parts = [new CataloguePart(CataloguePart.ScopeKind, "read", null, Samples.Now, null)] },
        [new RevocationItem(RevokedKind.Client, "orders", "orders", 17, Samples.Now.AddHours(24))]);

    public static TheoryData<StorageProvider, string> EachTable
    {
        get
        {
            var rows = new TheoryData<StorageProvider, string>();
            foreach (var provider in Providers.All)
            {
                foreach (var table in (string[])["audit", "client_catalogue", "client_part", "revocation"])
                {
                    rows.Add(provider, table);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(EachTable))]
    public async Task Nothing_is_stored_when_one_table_refuses(StorageProvider provider, string table)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        var old = Encoding.UTF8.GetBytes("{\"old\":true}");
        Assert.Equal(1, await writes.WriteAsync(Grain, null, old));
        await RefuseAsync(under, table);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => writes.WriteAsync(Grain, 1, writes.Envelope(Rows, "{\"new\":true}")));
        var ofFirst = await Assert.ThrowsAnyAsync<Exception>(() => writes.WriteAsync("c:first", null, writes.Envelope(Rows, "{\"new\":true}")));

        Assert.Equal((StorageFault.Rejected, StorageFault.Rejected), (StorageFaults.Of(failure), StorageFaults.Of(ofFirst)));
        Assert.Equal("{\"old\":true}", await writes.PayloadAsync(Grain));
        Assert.Equal([Grain], await under.QueryAsync<string>("select grain_key from grain_state"));
        Assert.Equal([0], await ToldAsync(under));
        // The version did not change either, and a write without other rows still succeeds.
        Assert.Equal(2, await writes.WriteAsync(Grain, 1, old));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_write_that_finds_another_version_stores_no_rows(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        Assert.Equal(1, await writes.WriteAsync(Grain, null, "{\"first\":1}"u8.ToArray()));
        Assert.Equal(2, await writes.WriteAsync(Grain, 1, "{\"second\":2}"u8.ToArray()));

        Assert.Null(await writes.WriteAsync(Grain, 1, writes.Envelope(Rows, "{\"late\":1}")));
        Assert.Null(await writes.WriteAsync(Grain, null, writes.Envelope(Rows, "{\"late\":1}")));
        Assert.Null(await writes.WriteAsync("c:nobody", 1, writes.Envelope(Rows, "{\"late\":1}")));

        Assert.Equal("{\"second\":2}", await writes.PayloadAsync(Grain));
        Assert.Equal([0], await ToldAsync(under));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task What_is_stored_is_the_state_byte_for_byte_with_or_without_rows(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var writes = new ClientWrites(under.Database);
        // Numbers that a parser would write differently, escapes, an empty name, a repeated name, and the names of the envelope further inside.
        const string State = """{"deleted":false,"level":1.0E+2,"low":0.10,"big":123456789012345678901234567890,"text":"\u00e9\ud83d\ude00\u0000\\\u0022","none":null,"":[],"a":1,"a":2,"rowsToTell":{"audit":[]},"stateToKeep":{}}""";

        Assert.Equal(1, await writes.WriteAsync(Grain, null, writes.Envelope(Rows, State)));
        Assert.Equal(State, await writes.PayloadAsync(Grain));
        Assert.Equal(2, await writes.WriteAsync(Grain, 1, Encoding.UTF8.GetBytes(State)));
        Assert.Equal(State, await writes.PayloadAsync(Grain));
        Assert.Equal(3, await writes.WriteAsync(Grain, 2, writes.Envelope(Rows, State)));
        Assert.Equal(State, await writes.PayloadAsync(Grain));
        Assert.Equal([5], await ToldAsync(under));
    }

    [Theory]
    [InlineData(StorageProvider.Sqlite)]
    [InlineData(StorageProvider.PostgreSql)]
    [InlineData(StorageProvider.SqlServer)]
    public void An_envelope_is_ascii_and_begins_as_the_write_query_looks_for(StorageProvider provider)
    {
        var rows = Rows with { Catalogue = Samples.Client("orders") with { Name = "é 𝒳", Document = """{"name":"é 𝒳"}""" } };
        var payload = ClientRowsEnvelope.Write(provider, rows, json => json.WriteStringValue("é")).ToArray();

        Assert.All(payload, unit => Assert.InRange(unit, 0x20, 0x7e));
        Assert.StartsWith("{\"rowsToTell\":", Encoding.ASCII.GetString(payload), StringComparison.Ordinal);
        Assert.Contains("{\"rowsToTell\":", Scripts.Of(provider).Single(script => script.Name == "0016_tell_rows_with_state").Text, StringComparison.Ordinal);
    }

    private static async Task RefuseAsync(DatabaseUnderTest under, string table) => await under.ExecuteAsync(under.Database.Provider switch
    {
        StorageProvider.Sqlite => $"create trigger refuse before insert on {table} begin select raise(abort, 'refused by the test'); end",
        StorageProvider.PostgreSql => $"""
            create function refuse() returns trigger language plpgsql as 'begin raise exception ''refused by the test''; end';
            create trigger refuse before insert on {table} for each row execute function refuse();
            """,
        _ => $"create trigger refuse on {table} for insert as throw 50001, 'refused by the test', 1",
    });

    private static Task<List<int>> ToldAsync(DatabaseUnderTest under) => under.QueryAsync<int>("""
        select (select count(*) from audit) + (select count(*) from client_catalogue) + (select count(*) from client_part)
            + (select count(*) from revocation)
        """);
}
