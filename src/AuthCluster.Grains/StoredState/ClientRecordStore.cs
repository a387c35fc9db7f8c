using System.Text.Json;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Protocol.Requests;
using AuthCluster.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace AuthCluster.Grains.StoredState;

/// <summary>How a read or write of a client's row ended.</summary>
internal enum RecordOutcome
{
    /// <summary>Read, or written.</summary>
    Done,

    /// <summary>There is no row.</summary>
    Missing,

    /// <summary>Another activation wrote the row since it was read.</summary>
    Conflict,

    /// <summary>Storage can't be asked now. Nothing was written.</summary>
    Unavailable,

    /// <summary>Storage was asked and gave no definite answer: whether it wrote is not known.</summary>
    Unknown,

    /// <summary>The row holds what can't be read. This concerns its client alone.</summary>
    Unreadable,
}

/// <summary>
/// Reads and writes client rows in Orleans' grain storage. Failures are values: the caller of a grain can't deserialize a driver's
/// exception.
/// </summary>
/// <remarks>
/// Grains use this instead of Orleans' persistent state, which reads before the grain can bound the wait, and fails the activation
/// when the read fails.
/// </remarks>
internal sealed partial class ClientRecordStore(
    [FromKeyedServices(ClientRecordStore.ProviderName)] IGrainStorage storage,
    StorageGate gate,
    Database database,
    ILogger<ClientRecordStore> logger)
{
    public const string ProviderName = "clients";
    private const string StateName = "client";

    public async Task<(RecordOutcome Outcome, ClientRecord? Record)> ReadAsync(GrainId grain, CancellationToken cancellationToken)
    {
        var row = new GrainState<ClientState>();
        try
        {
            await gate.ReadAsync(
                token => Database.RepeatConflictsAsync(() => storage.ReadStateAsync(StateName, grain, row, token)), cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            return (RecordOutcome.Unavailable, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The serializer threw: there is a row, and its content can't be read.
            LogUnreadable(e, KeyForLog(grain, isThere: e is JsonException or NotSupportedException));
            return (RecordOutcome.Unreadable, null);
        }

        return row.RecordExists && row.State is { } state
            ? (RecordOutcome.Done, new ClientRecord(state.WithEachSecretOnce(), row.ETag))
            : (RecordOutcome.Missing, null);
    }

    /// <summary>
    /// Waits for the slot of a background write. Take it before the turn at the row, so that a burst of such writes, which may
    /// wait long, does not keep administrators from changing the client.
    /// </summary>
    /// <returns>Null when storage can't be asked now.</returns>
    public async Task<StorageSlot?> EnterBackgroundAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await gate.EnterAsync(StorageLane.Background, cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            return null;
        }
    }

    /// <summary>Writes a row.</summary>
    /// <param name="grain">The grain.</param>
    /// <param name="state">What the row is to hold.</param>
    /// <param name="etag">The version that it was read with; null where there was none.</param>
    /// <param name="background">The slot of a background write; null for an administrative write.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<(RecordOutcome Outcome, ClientRecord? Record)> WriteAsync(
        GrainId grain, ClientState state, string? etag, StorageSlot? background, CancellationToken cancellationToken)
    {
        var row = new GrainState<ClientState>(state, etag);
        try
        {
            await (background is null
                ? gate.RunAsync(StorageLane.Changes, WriteAsync, cancellationToken)
                : gate.RunAsync(background, StorageLane.Background, WriteAsync, cancellationToken));
        }
        catch (InconsistentStateException)
        {
            return (RecordOutcome.Conflict, null);
        }
        catch (StorageUnavailableException e)
        {
            return (e.OutcomeUnknown ? RecordOutcome.Unknown : RecordOutcome.Unavailable, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNotWritten(e, KeyForLog(grain, isThere: etag is not null));
            return (RecordOutcome.Unknown, null);
        }

        return (RecordOutcome.Done, new ClientRecord(state with { Rows = null }, row.ETag));

        async Task WriteAsync(CancellationToken token)
        {
            using var turn = await database.EnterWriteAsync(token);
            await Database.RepeatConflictsAsync(() => storage.WriteStateAsync(StateName, grain, row, token));
        }
    }

    /// <summary>The key, if there is such a row; else masked, since a caller may have sent a secret in place of an id.</summary>
    private static string KeyForLog(GrainId grain, bool isThere)
    {
        var key = grain.Key.ToString() ?? "";
        return isThere ? key : LoggableText.Masked(key);
    }

    [LoggerMessage(1501, LogLevel.Error, "The stored state of {GrainKey} can't be read; this client gets 503 until the row is repaired.")]
    private partial void LogUnreadable(Exception exception, string grainKey);

    [LoggerMessage(1502, LogLevel.Error, "The state of {GrainKey} can't be written.")]
    private partial void LogNotWritten(Exception exception, string grainKey);
}

/// <summary>A client's state and the version of the row that it was read from or written to.</summary>
internal sealed record ClientRecord(ClientState State, string? ETag);
