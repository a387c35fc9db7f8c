using System.Globalization;
using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>What an activation knows of its client's row.</summary>
internal enum RowState
{
    /// <summary>
    /// Not read yet; or an administrative write has an unknown outcome; or there was no client, and it is not known whether there is one now.
    /// The row is read before anything is decided.
    /// </summary>
    Unknown,

    /// <summary>There is a client, and its policy is in memory.</summary>
    Known,

    /// <summary>There is no client, or it was deleted.</summary>
    Absent,

    /// <summary>The content of the row can't be read: this client gets no decision until somebody repairs the row.</summary>
    Unreadable,

    /// <summary>Storage holds an older state than this activation has seen. The older state is not used, and nothing is decided any more.</summary>
    GoneBack,
}

/// <summary>Is told when a row was written or its content in memory was replaced.</summary>
internal interface IClientRowListener
{
    /// <summary>A change's write of the row has ended. Called before <see cref="RowReplaced"/>.</summary>
    void WriteEnded(RecordOutcome outcome);

    /// <summary>The content in memory was replaced. The policy is null when there is no client; the state too, when there is no row.</summary>
    void RowReplaced(ClientPolicy? policy, ClientState? stored);
}

/// <summary>
/// The row of one client: its content in memory, and the only way to read and write it. Writers take turns.
/// </summary>
/// <remarks>
/// A write of unknown outcome may still arrive. After an administrative one nothing is decided until the row was read again. Any other
/// changes nothing that decisions read, so the row is read again only before the next write.
/// </remarks>
#pragma warning disable CA1001 // The semaphore has no wait handle to free, and a running write may outlive the activation.
internal sealed partial class ClientRow(
#pragma warning restore CA1001
    string clientId,
    GrainId grain,
    ClientRecordStore records,
    ClientDefaults defaults,
    SiloRights rights,
    IClientRowListener listener,
    TimeProvider clock,
    ILogger logger)
{
    private const int MaxTries = 4;

    // For so long after a failed read callers are answered at once, without another read.
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    private readonly RowReader _reader = new(grain, records);
    private readonly FencedCopy _copy = rights.Fence.Make(grain.Key.ToString()!);
    private readonly SemaphoreSlim _turns = new(1);
    private ClientRecord? _record;
    private bool _mustReadBeforeWriting = true;
    private long? _readFailedAt;
    private Task<bool>? _sharedRead;

    /// <summary>What is known of the row.</summary>
    public RowState State { get; private set; }

    /// <summary>The facts for decisions; null unless <see cref="State"/> is <see cref="RowState.Known"/>.</summary>
    public ClientPolicy? Policy { get; private set; }

    /// <summary>The content in memory: the state of the client, or its tombstone; null where there is no row.</summary>
    public ClientState? Stored => _record?.State;

    /// <summary>The row's key, by which silos void its older versions.</summary>
    public string Key => _copy.Key;

    /// <summary>The version of the row that is in memory; 0 where there is no row.</summary>
    public long Version => _copy.Version;

    /// <summary>Whether decisions can be made from memory now: the content is current, and this silo has the right to decide.</summary>
    public bool CanDecide => HasContent && _copy.IsCurrent && rights.MayDecide;

    /// <summary>
    /// Whether <see cref="EnsureReadAsync"/> has to be waited for before anything is decided: the row has to be read, or the silo waits for its right.
    /// </summary>
    public bool MustWait => State != RowState.GoneBack && !CanDecide;

    /// <summary>
    /// Whether the activation should stay: a new one would not know of a write that may still arrive, or of the newer state that this one has
    /// seen. A shortage of memory may end the activation all the same.
    /// </summary>
    public bool MustStayActive => _reader.HasUnknownWrite || State == RowState.GoneBack;

    private bool HasContent => State is RowState.Known or RowState.Absent;

    /// <summary>An unreadable row may have been repaired.</summary>
    private bool MustBeRead => State is RowState.Unknown or RowState.Unreadable || (HasContent && !_copy.IsCurrent);

    private bool HasFailedLately => _readFailedAt is { } at && clock.GetElapsedTime(at) < FailureCountsFor;

    /// <summary>Reads the row for the first time.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        rights.Fence.Add(_copy);
        _readFailedAt = await ReadAsync(cancellationToken) ? null : clock.GetTimestamp();
    }

    /// <summary>Ends the use of the content in memory.</summary>
    public void Close() => rights.Fence.Close(_copy);

    /// <summary>
    /// Reads the row if decisions need that, and waits for this silo's right to decide. Concurrent callers share one read; after a failed read none is
    /// tried for a second.
    /// </summary>
    /// <returns>Whether decisions can be made from memory.</returns>
    public Task<bool> EnsureReadAsync() => MustWait ? WaitAsync() : Task.FromResult(CanDecide);

    /// <summary>Reads the row if a change can't be built on the content in memory.</summary>
    /// <returns>False when storage does not answer, or the row can't be read.</returns>
    public async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        if (IsFresh)
        {
            return true;
        }

        await _turns.WaitAsync(cancellationToken);
        try
        {
            return await EnsureFreshAsync(cancellationToken);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>
    /// Changes the row by a write that an administrator waits for. After an unknown outcome nothing is decided until the row was read again.
    /// </summary>
    /// <param name="change">Makes the new state of the present one, which is null when there is no row; null for no change. Called again when another activation wrote first.</param>
    /// <param name="cancellationToken">Cancels the wait for the turn, not a write that has started.</param>
    /// <returns>
    /// The version of the row with the change; null when the change is not known to be stored, since storage does not answer or the row can't be read.
    /// </returns>
    public Task<long?> ChangeAsync(Func<ClientState?, ValueTask<ClientState?>> change, CancellationToken cancellationToken) =>
        ChangeAsync(change, background: null, cancellationToken);

    /// <summary>Changes the row by a background write, on which no answer to an administrator depends.</summary>
    /// <param name="change">Makes the new state of the present one, which is null when there is no row; null for no change. Called again when another activation wrote first.</param>
    /// <returns>The version of the row with the change; null when the change is not known to be stored.</returns>
    public async Task<long?> ChangeInBackgroundAsync(Func<ClientState?, ClientState?> change)
    {
        using var slot = await records.EnterBackgroundAsync(CancellationToken.None);
        return slot is null ? null : await ChangeAsync(state => ValueTask.FromResult(change(state)), slot, CancellationToken.None);
    }

    private async Task<long?> ChangeAsync(
        Func<ClientState?, ValueTask<ClientState?>> change, StorageSlot? background, CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken);
        try
        {
            for (var tries = 0; ; tries++)
            {
                if (!await EnsureFreshAsync(cancellationToken))
                {
                    return null;
                }

                if (await change(Stored) is not { } next)
                {
                    return Version;
                }

                var (outcome, version) = await WriteAsync(next, background);
                if (outcome != RecordOutcome.Conflict || tries == MaxTries)
                {
                    return outcome == RecordOutcome.Done ? version : null;
                }
            }
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>Writes once. The caller's token does not cancel the write: its outcome must be known to this activation.</summary>
    private async Task<(RecordOutcome Outcome, long Version)> WriteAsync(ClientState next, StorageSlot? background)
    {
        var began = rights.Now;
        var (outcome, record) = await records.WriteAsync(grain, next, _record?.ETag, background, CancellationToken.None);
        var taken = outcome == RecordOutcome.Done ? _copy.Written(VersionOf(record), began, rights.Now) : WriteReturn.TooLate;
        if (outcome == RecordOutcome.Done && taken == WriteReturn.TooLate)
        {
            outcome = RecordOutcome.Unknown;
        }

        listener.WriteEnded(outcome);
        switch (outcome)
        {
            case RecordOutcome.Done:
                Replace(record);
                _mustReadBeforeWriting = taken == WriteReturn.Overtaken;
                break;
            case RecordOutcome.Conflict:
                _mustReadBeforeWriting = true;
                break;
            case RecordOutcome.Unknown:
                _mustReadBeforeWriting = true;
                if (background is null)
                {
                    _reader.NoteUnknownWrite(_record?.ETag);
                    _copy.Doubt();
                    State = RowState.Unknown;
                    Policy = null;
                }

                break;
        }

        return (outcome, VersionOf(record));
    }

    private async Task<bool> WaitAsync()
    {
        if (MustBeRead)
        {
            if (_sharedRead is null or { IsCompleted: true })
            {
                if (HasFailedLately)
                {
                    return false;
                }

                _sharedRead = ReadAgainAsync();
            }

            if (!await _sharedRead)
            {
                return false;
            }
        }

        return CanDecide || (await rights.WaitAsync() && CanDecide);
    }

    private async Task<bool> ReadAgainAsync()
    {
        await _turns.WaitAsync();
        try
        {
            var isFresh = await EnsureFreshAsync(CancellationToken.None);
            _readFailedAt = isFresh ? null : clock.GetTimestamp();
            return isFresh;
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>Whether memory has the content and version of storage, as far as this activation knows.</summary>
    private bool IsFresh => HasContent && _copy.IsCurrent && !_mustReadBeforeWriting;

    /// <summary>Reads the row unless memory has the content and version of storage.</summary>
    private async Task<bool> EnsureFreshAsync(CancellationToken cancellationToken) =>
        State != RowState.GoneBack && (IsFresh || await ReadAsync(cancellationToken));

    /// <summary>Reads the row; again when a later write was answered since the read began.</summary>
    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        if (!rights.Mandate.HasBegun && !await rights.WaitAsync())
        {
            return NotRead();
        }

        for (var tries = 0; tries < MaxTries; tries++)
        {
            var began = rights.Now;
            var (outcome, record) = await _reader.ReadAsync(cancellationToken);
            if (TakeRead(outcome, record, began) is { } taken)
            {
                return taken;
            }
        }

        return NotRead();
    }

    private bool NotRead()
    {
        _mustReadBeforeWriting = true;
        // Another activation may have created the client. A known client is decided by what was read last.
        State = State == RowState.Absent ? RowState.Unknown : State;
        return false;
    }

    /// <summary>Takes what a read has brought.</summary>
    /// <returns>Whether the content can be decided by; null when it must be read again.</returns>
    private bool? TakeRead(RecordOutcome outcome, ClientRecord? record, TimeSpan began)
    {
        if (outcome == RecordOutcome.Unreadable)
        {
            State = RowState.Unreadable;
            Policy = null;
            return false;
        }

        if (outcome is not (RecordOutcome.Done or RecordOutcome.Missing))
        {
            return NotRead();
        }

        if (_record is { } held && IsOlder(record?.State, held.State))
        {
            // A restored backup, or a failover to a replica that lagged: a client or secret that was disabled or revoked since must not come back.
            LogStorageWentBack(clientId);
            State = RowState.GoneBack;
            Policy = null;
            return false;
        }

        if (VersionOf(record) < Version)
        {
            // Storage went back by writes that no administrator waited for.
            _copy.Forget();
        }

        if (!_copy.TryInstall(VersionOf(record), began, rights.Now))
        {
            return null;
        }

        Replace(record);
        return HasContent;
    }

    /// <summary>The version of a row, which moves with every write and never falls; 0 where there is no row.</summary>
    private static long VersionOf(ClientRecord? record) => record?.ETag is { } etag ? long.Parse(etag, CultureInfo.InvariantCulture) : 0;

    private static bool IsOlder(ClientState? read, ClientState held) =>
        read is null
        || read.Generation < held.Generation
        || (read.CreatedAt == held.CreatedAt && read.Revision < held.Revision);

    /// <summary>Replaces the content in memory by what storage holds: the only place that changes what decisions read.</summary>
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

    [LoggerMessage(1110, LogLevel.Critical, "Storage holds an older state of client {ClientId} than this silo remembers; the silo does not use it, and this client gets 503. After a restored backup stop every process, run 'db restored', and start them again.")]
    private partial void LogStorageWentBack(string clientId);

    [LoggerMessage(1102, LogLevel.Error, "The stored document of client {ClientId} can't be read; this client gets 503 until the row is repaired.")]
    private partial void LogUnreadableDocument(Exception exception, string clientId);
}
