using System.Text.Json;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Storage;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;

namespace AuthCluster.GrainTests.StoredState;

/// <summary>What is logged of a client's row: the id only where such a client exists, since a caller may send a secret as an id.</summary>
public sealed class ClientRecordStoreTests : IAsyncDisposable
{
    private const string Secret = "Zm9yLXRlc3RzLW9ubHktc2VjcmV0";

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<ClientRecordStore> _log = new();
    private readonly Database _database = new(StorageProvider.PostgreSql, "Host=nowhere.invalid");
    private readonly StorageGate _gate;

    public ClientRecordStoreTests() => _gate = new StorageGate(_database, _clock, new FakeLogger<StorageGate>());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_row_that_exists_and_cannot_be_read_is_named_in_the_log()
    {
        var (outcome, _) = await StoreThatThrows(new JsonException("no JSON")).ReadAsync(Grain("c:orders"), Cancellation);

        Assert.Equal(RecordOutcome.Unreadable, outcome);
        Assert.Contains("c:orders", Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_that_fails_before_a_row_was_found_names_no_id()
    {
        await StoreThatThrows(new FormatException("of Orleans")).ReadAsync(Grain("c:" + Secret), Cancellation);

        Assert.DoesNotContain(Secret, Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData(null, false)]
    public async Task A_write_that_fails_names_the_id_of_a_row_that_was_there(string? etag, bool isNamed)
    {
        await StoreThatThrows(new FormatException("of Orleans")).WriteAsync(Grain("c:" + Secret), ClientState.NeverExisted, etag, null, Cancellation);

        Assert.Equal(isNamed, Line.Contains(Secret, StringComparison.Ordinal));
    }

    private string Line => Assert.Single(_log.Collector.GetSnapshot()).Message;

    private static GrainId Grain(string key) => GrainId.Create("client", key);

    private ClientRecordStore StoreThatThrows(Exception failure) => new(new ThrowingStorage(failure), _gate, _database, _log);

    private sealed class ThrowingStorage(Exception failure) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.FromException(failure);

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.FromException(failure);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.FromException(failure);
    }
}
