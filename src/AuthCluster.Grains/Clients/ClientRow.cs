using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>What an activation knows of its client's row.</summary>
internal enum RowState
{
    /// <summary>Not read yet, or an administrative write of it has an unknown outcome: it is read before anything is decided.</summary>
    Unknown,

    /// <summary>There is a client, and its policy is in memory.</summary>
    Known,

    /// <summary>There is no client, or it was deleted.</summary>
    Absent,

    /// <summary>The row or its document can't be read: this client alone gets no decision until the row is mended.</summary>
    Unreadable,

    /// <summary>Storage holds an older state than this activation has seen. It is not taken over, and nothing is decided any more.</summary>
    GoneBack,
}

/// <summary>Who is told when a row is written or its content in memory is replaced.</summary>
internal interface IClientRowListener
{
    /// <summary>A write of the row has ended. Comes before <see cref="RowReplaced"/>.</summary>
    void WriteEnded(RecordOutcome outcome);

    /// <summary>The content in memory was replaced. Both are null, or the policy alone, where there is no client.</summary>
    void RowReplaced(ClientPolicy? policy, ClientState? stored);
}

/// <summary>
/// The row of one client: its content in memory, and the only way to read and to write it. Writers take turns.
/// </summary>
/// <remarks>
/// A write of unknown outcome may still be on its way. After an administrative one nothing is decided until the row was read again;
/// after any other, which changes nothing that decisions see, the row is read again before the next write.
/// </remarks>
#pragma warning disable CA1001 // The semaphore has no wait handle to free, and a write that was begun may outlive the activation.
internal sealed partial class ClientRow(
#pragma warning restore CA1001
    string clientId, GrainId grain, ClientRecordStore records, ClientDefaults defaults, IClientRowListener listener, TimeProvider clock, ILogger logger)
{
    private const int MaxTries = 4;

    // A row that could not be read is not asked for again within this time; callers are answered at once.
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _turns = new(1);
    private ClientRecord? _record;
    private bool _mustReadBeforeWriting = true;
    private UnknownWrite? _unknownWrite;
    private long? _readFailedAt;
    private Task<bool>? _sharedRead;

    /// <summary>An administrative write that got no answer, and the version of the row that it may still replace; null where there was no row.</summary>
    private sealed record UnknownWrite(string? ETag);

    /// <summary>What is known of the row.</summary>
    public RowState State { get; private set; }

    /// <summary>What decisions are made from; null unless <see cref="State"/> is <see cref="RowState.Known"/>.</summary>
    public ClientPolicy? Policy { get; private set; }

    /// <summary>The content in memory: the state of the client, or its tombstone; null where there is no row.</summary>
    public ClientState? Stored => _record?.State;

    /// <summary>Whether decisions can be made from memory.</summary>
    public bool CanDecide => State is RowState.Known or RowState.Absent;

    /// <summary>Whether the activation must stay: the next one would not know that a write is still on its way, or what this one has seen.</summary>
    public bool MustStayActive => _unknownWrite is not null || State == RowState.GoneBack;

    private bool HasFailedLately => _readFailedAt is { } at && clock.GetElapsedTime(at) < FailureCountsFor;

    /// <summary>Reads the row for the first time.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(cancellationToken);
        _readFailedAt = CanDecide ? null : clock.GetTimestamp();
    }

    /// <summary>
    /// Makes sure that decisions can be made from memory. All who ask at the same time share one reading; one that has failed is
    /// not repeated for a second.
    /// </summary>
    /// <returns>False when they can't.</returns>
    public Task<bool> EnsureReadAsync() =>
        State != RowState.Unknown ? Task.FromResult(CanDecide)
        : _sharedRead is { IsCompleted: false } ? _sharedRead
        : HasFailedLately ? Task.FromResult(false)
        : _sharedRead = ReadAgainAsync();

    /// <summary>Makes sure that a change can be built on what is in memory.</summary>
    /// <returns>False when storage does not answer, or the row can't be read.</returns>
    public async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        if (CanDecide && !_mustReadBeforeWriting)
        {
            return true;
        }

        await _turns.WaitAsync(cancellationToken);
        try
        {
            return await IsReadAsync(cancellationToken);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>
    /// Changes the row by a write that an administrator waits for. If its outcome is unknown, nothing is decided until the row was read again.
    /// </summary>
    /// <param name="change">The new state from the present one, which is null when there is no row. Null changes nothing. Asked again when another activation was faster.</param>
    /// <param name="cancellationToken">Cancels waiting for the turn, not a write that was begun.</param>
    /// <returns>False when nothing was changed, as far as is known, because storage does not answer or the row can't be read.</returns>
    public Task<bool> ChangeAsync(Func<ClientState?, ValueTask<ClientState?>> change, CancellationToken cancellationToken) =>
        ChangeAsync(change, background: null, cancellationToken);

    /// <summary>Changes the row by a write that nobody's answer depends on.</summary>
    /// <param name="change">The new state from the present one, which is null when there is no row. Null changes nothing. Asked again when another activation was faster.</param>
    /// <returns>False when nothing was changed, as far as is known.</returns>
    public async Task<bool> ChangeInBackgroundAsync(Func<ClientState?, ClientState?> change)
    {
        using var slot = await records.EnterBackgroundAsync(CancellationToken.None);
        return slot is not null && await ChangeAsync(state => ValueTask.FromResult(change(state)), slot, CancellationToken.None);
    }

    private async Task<bool> ChangeAsync(
        Func<ClientState?, ValueTask<ClientState?>> change, StorageSlot? background, CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken);
        try
        {
            for (var tries = 0; ; tries++)
            {
                if (!await IsReadAsync(cancellationToken))
                {
                    return false;
                }

                if (await change(Stored) is not { } next)
                {
                    return true;
                }

                var outcome = await WriteAsync(next, background);
                if (outcome != RecordOutcome.Conflict || tries == MaxTries)
                {
                    return outcome == RecordOutcome.Done;
                }
            }
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>Writes once. A write that was begun is not given up with its caller: half of what it stands for would be lost.</summary>
    private async Task<RecordOutcome> WriteAsync(ClientState next, StorageSlot? background)
    {
        var (outcome, record) = await records.WriteAsync(grain, next, _record?.ETag, background, CancellationToken.None);
        listener.WriteEnded(outcome);
        switch (outcome)
        {
            case RecordOutcome.Done:
                Replace(record);
                break;
            case RecordOutcome.Conflict:
                _mustReadBeforeWriting = true;
                break;
            case RecordOutcome.Unknown:
                _mustReadBeforeWriting = true;
                if (background is null)
                {
                    _unknownWrite = new UnknownWrite(_record?.ETag);
                    State = RowState.Unknown;
                    Policy = null;
                }

                break;
        }

        return outcome;
    }

    private async Task<bool> ReadAgainAsync()
    {
        await _turns.WaitAsync();
        try
        {
            await IsReadAsync(CancellationToken.None);
            _readFailedAt = CanDecide ? null : clock.GetTimestamp();
            return CanDecide;
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>Reads the row unless its content and version in memory are those of storage.</summary>
    private async Task<bool> IsReadAsync(CancellationToken cancellationToken) =>
        State != RowState.GoneBack && ((CanDecide && !_mustReadBeforeWriting) || await ReadAsync(cancellationToken));

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var (outcome, record) = await ReadPastUnknownWriteAsync(cancellationToken);
        if (outcome == RecordOutcome.Unreadable)
        {
            State = RowState.Unreadable;
            Policy = null;
            return false;
        }

        if (outcome is not (RecordOutcome.Done or RecordOutcome.Missing))
        {
            _mustReadBeforeWriting = true;
            // Somebody may have created the client. A known one is decided by what was read last.
            State = State == RowState.Absent ? RowState.Unknown : State;
            return false;
        }

        if (_record is { } held && IsOlder(record?.State, held.State))
        {
            // A restored backup, or a failover to a replica that lagged: what was disabled or revoked since must not come back.
            LogStorageWentBack(clientId);
            State = RowState.GoneBack;
            Policy = null;
            return false;
        }

        Replace(record);
        return CanDecide;
    }

    /// <summary>
    /// Reads the row. A write of unknown outcome may be on its way still and replace what is read here, so it is made to lose: the row
    /// is written again as it is, which moves its version. Where there is no row, a tombstone of a client that never was takes the place.
    /// </summary>
    private async Task<(RecordOutcome Outcome, ClientRecord? Record)> ReadPastUnknownWriteAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            var (outcome, record) = await records.ReadAsync(grain, cancellationToken);
            if (outcome is not (RecordOutcome.Done or RecordOutcome.Missing) || _unknownWrite is not { } unknown)
            {
                return (outcome, record);
            }

            if (record?.ETag != unknown.ETag)
            {
                // It is in the row, or has lost to another one.
                _unknownWrite = null;
                return (outcome, record);
            }

            (outcome, record) = await records.WriteAsync(
                grain, record?.State ?? ClientState.NeverExisted, record?.ETag, background: null, CancellationToken.None);
            if (outcome == RecordOutcome.Done)
            {
                _unknownWrite = null;
                return (outcome, record);
            }

            if (outcome != RecordOutcome.Conflict || tries >= MaxTries)
            {
                return (RecordOutcome.Unavailable, null);
            }
        }
    }

    private static bool IsOlder(ClientState? read, ClientState held) =>
        read is null
        || read.Generation < held.Generation
        || (read.CreatedAt == held.CreatedAt && read.Revision < held.Revision);

    /// <summary>Takes over what storage holds now: the one place where what decisions see is exchanged.</summary>
    private void Replace(ClientRecord? record)
    {
        _record = record;
        _mustReadBeforeWriting = false;
        _readFailedAt = null;
        (State, Policy) = Compile(record?.State);
        if (State != RowState.Unreadable)
        {
            listener.RowReplaced(Policy, Stored);
        }
    }

    private (RowState State, ClientPolicy? Policy) Compile(ClientState? stored)
    {
        if (stored is null or { Deleted: true })
        {
            return (RowState.Absent, null);
        }

        try
        {
            return (RowState.Known, ClientPolicy.From(clientId, stored, defaults));
        }
        catch (FormatException e)
        {
            LogUnreadableDocument(e, clientId);
            return (RowState.Unreadable, null);
        }
    }

    [LoggerMessage(1110, LogLevel.Critical, "Storage holds an older state of client {ClientId} than this silo remembers, which does not adopt it; this client gets 503. After a restored backup stop every process, run 'db restored', and start them again.")]
    private partial void LogStorageWentBack(string clientId);

    [LoggerMessage(1102, LogLevel.Error, "The stored document of client {ClientId} can't be read; this client gets 503 until the row is mended.")]
    private partial void LogUnreadableDocument(Exception exception, string clientId);
}
