using System.Globalization;
using System.Text;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Dapper;

namespace AuthCluster.StorageTests.Clients;

/// <summary>Writes the rows of clients with the query text that Orleans writes them with.</summary>
internal sealed class ClientWrites(Database database)
{
    private const string State = """{"deleted":false}""";

    private static int _grains;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Writes the rows with the first state of a new grain, so that no version is in the way.</summary>
    public async Task TellAsync(ClientRows rows) =>
        Assert.Equal(1, await WriteAsync($"c:{Interlocked.Increment(ref _grains)}", null, Envelope(rows, State)));

    /// <summary>Writes a client into the catalogue.</summary>
    public Task TellAsync(CatalogueEntry client) => TellAsync(new ClientRows([], client, []));

    /// <summary>Writes a payload over a version of the row; the version is null where there is no row.</summary>
    /// <returns>The new version; null when the row has another version than the given one.</returns>
    public async Task<int?> WriteAsync(string grain, int? version, byte[] payload)
    {
        using var turn = await database.EnterWriteAsync(Cancel);
        await using var connection = await database.OpenAsync(Cancel);
        var text = await connection.QuerySingleAsync<string>("select querytext from orleansquery where querykey = 'WriteToStorageKey'");
        int? written = null;
        await Database.RepeatConflictsAsync(async () =>
        {
            var command = new CommandDefinition(text, Parameters(grain, version, payload), cancellationToken: Cancel);
            await using var reader = await connection.ExecuteReaderAsync(command);
            // A time-out or a trigger's refusal may come after the first answer.
            written = await reader.ReadAsync(Cancel) ? Convert.ToInt32(reader["NewGrainStateVersion"], CultureInfo.InvariantCulture) : null;
            while (await reader.ReadAsync(Cancel) || await reader.NextResultAsync(Cancel))
            {
                Assert.Fail("The query answers more than one row.");
            }
        });
        return written;
    }

    /// <summary>The payload that is stored.</summary>
    public async Task<string> PayloadAsync(string grain)
    {
        await using var connection = await database.OpenAsync(Cancel);
        return Encoding.UTF8.GetString(await connection.QuerySingleAsync<byte[]>("select payload from grain_state where grain_key = @grain", new { grain }));
    }

    public byte[] Envelope(ClientRows rows, string state) =>
        ClientRowsEnvelope.Write(database.Provider, rows, json => json.WriteRawValue(state)).ToArray();

    private static object Parameters(string grain, int? version, byte[] payload) => new
    {
        GrainIdHash = grain.Length,
        GrainTypeHash = 1,
        GrainIdN0 = 0L,
        GrainIdN1 = 0L,
        GrainTypeString = "client",
        GrainIdExtensionString = grain,
        ServiceId = "tests",
        GrainStateVersion = version,
        PayloadBinary = payload,
    };
}
