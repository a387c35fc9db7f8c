using AuthCluster.Grains.Limits;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>The grain's row: reading it, changing it one writer at a time, and what is started beside decisions.</summary>
internal sealed partial class ClientGrain
{
    private const int MostTries = 4;
    private static readonly TimeSpan ReserveAheadAgainAfter = TimeSpan.FromSeconds(10);

    // A row that could not be read is asked for again after this; until then callers are told at once.
    private static readonly TimeSpan ReloadFailureCountsFor = TimeSpan.FromSeconds(1);

    private bool _rowUnknown;
    private bool _storageWentBack;
    private UnknownWrite? _unknownWrite;
    private long? _reloadFailedAt;
    private Task? _limitWork;
    private IGrainTimer? _nextPeriod;
    private DateTimeOffset _nextPeriodAwaited;
    private Task? _storingProof;
    private readonly Dictionary<string, byte[]> _proofs = new(StringComparer.Ordinal);

    /// <summary>An administrative write that got no answer, and the version of the row that it may still replace; null where there was no row.</summary>
    private sealed record UnknownWrite(string? ETag);

    private bool ReloadHasFailed =>
        _reloadFailedAt is { } at && _services.Clock.GetElapsedTime(at) < ReloadFailureCountsFor;

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        var (outcome, record) = await ReadSettledAsync(cancellationToken);
        if (outcome is RecordOutcome.Done or RecordOutcome.Missing && _record is { } held && IsOlder(record?.State, held.State))
        {
            // A restored backup, or a failover to a replica that lagged: what was disabled or revoked since must not come back.
            LogStorageWentBack(_clientId);
            _storageWentBack = true;
            _mustReload = true;
            _loaded = RecordOutcome.Unavailable;
            return;
        }

        _loaded = outcome;
        if (outcome is RecordOutcome.Done or RecordOutcome.Missing)
        {
            Adopt(record);
            _mustReload = false;
            _rowUnknown = false;
            _reloadFailedAt = null;
            if (record is { State.Outbox.IsEmpty: false })
            {
                // An older build wrote this, and died before it told the tables.
                StartTellingOutbox();
            }
        }
    }

    /// <summary>
    /// Reads the row. A write of unknown outcome may be on its way still and replace what is read here, so it is made to lose: the row
    /// is written again as it is, which moves its version. Where there is no row, a tombstone of a client that never was takes the place.
    /// </summary>
    private async Task<(RecordOutcome Outcome, ClientRecord? Record)> ReadSettledAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            var (outcome, record) = await _services.Records.ReadAsync(this.GetGrainId(), cancellationToken);
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

            (outcome, record) = await _services.Records.WriteAsync(
                this.GetGrainId(), record?.State ?? ClientState.NeverExisted, record?.ETag, background: null, CancellationToken.None);
            if (outcome == RecordOutcome.Done)
            {
                _unknownWrite = null;
                return (outcome, record);
            }

            if (outcome != RecordOutcome.Conflict || tries >= MostTries)
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
    private void Adopt(ClientRecord? record)
    {
        _record = record;
        if (record is null || record.State.Deleted)
        {
            _policy = null;
            // A client that is created anew under this id was never used.
            _usage?.ForgetUses();
            _usage = null;
            return;
        }

        try
        {
            _policy = ClientPolicy.From(_clientId, record.State, _services.Defaults);
        }
        catch (FormatException e)
        {
            LogUnreadableDocument(e, _clientId);
            _policy = null;
            _loaded = RecordOutcome.Unreadable;
            return;
        }

        _usage ??= _services.Usage.Open(_clientId);
        _verifier.Keep(_policy.Secrets);
        _limits.Adopt(_policy, record.State, GrainContext.ActivationId.ToString());
    }

    /// <summary>
    /// Changes the row. The change is computed from what is stored now, and again when another activation was
    /// faster; null means that there is nothing to change.
    /// </summary>
    /// <param name="change">The new state from the present one; null state when there is no row.</param>
    /// <param name="administrative">
    /// Whether an unknown outcome must stop decisions until the row was read again, and an administrator waits for it.
    /// </param>
    /// <param name="cancellationToken">Cancels waiting, not a write under way.</param>
    private Task<RecordOutcome> UpdateRowAsync(
        Func<ClientState?, ClientState?> change, bool administrative, CancellationToken cancellationToken) =>
        UpdateRowAsync(state => ValueTask.FromResult(change(state)), administrative, cancellationToken);

    /// <summary>As the other one, for a change that has to ask storage before it knows its new state.</summary>
    private async Task<RecordOutcome> UpdateRowAsync(
        Func<ClientState?, ValueTask<ClientState?>> change, bool administrative, CancellationToken cancellationToken)
    {
        using var background = administrative ? null : await _services.Records.EnterBackgroundAsync(cancellationToken);
        if (background is null && !administrative)
        {
            return RecordOutcome.Unavailable;
        }

        await _row.WaitAsync(cancellationToken);
        try
        {
            for (var tries = 0; ; tries++)
            {
                if (_mustReload || _rowUnknown || tries > 0 || _loaded is RecordOutcome.Unavailable or RecordOutcome.Unreadable)
                {
                    await LoadAsync(cancellationToken);
                }

                if (_loaded is RecordOutcome.Unavailable or RecordOutcome.Unreadable)
                {
                    return RecordOutcome.Unavailable;
                }

                if (await change(_record?.State) is not { } next)
                {
                    return RecordOutcome.Done;
                }

                // Once begun, a write is not given up with its caller: half of what it stands for would be lost.
                var (outcome, record) = await _services.Records.WriteAsync(
                    this.GetGrainId(), next, _record?.ETag, background, CancellationToken.None);
                _limits.WriteEnded(outcome);
                switch (outcome)
                {
                    case RecordOutcome.Done:
                        Adopt(record);
                        return RecordOutcome.Done;
                    case RecordOutcome.Conflict when tries < MostTries:
                        continue;
                    case RecordOutcome.Unknown:
                        // The row's version is not known any more. Decisions stop only where they could be wrong.
                        if (administrative)
                        {
                            _mustReload = true;
                            _unknownWrite = new UnknownWrite(_record?.ETag);
                        }

                        _rowUnknown = true;
                        return RecordOutcome.Unavailable;
                    default:
                        // Nothing was written: what is in memory still holds, and the client goes on.
                        _rowUnknown |= outcome == RecordOutcome.Conflict;
                        return RecordOutcome.Unavailable;
                }
            }
        }
        finally
        {
            _row.Release();
        }
    }

    /// <summary>Reads the row again after a write whose outcome is not known.</summary>
    /// <returns>False when storage does not answer.</returns>
    private async Task<bool> ReadIfUnknownAsync(CancellationToken cancellationToken)
    {
        if (!_mustReload && !_rowUnknown && _loaded is not (RecordOutcome.Unavailable or RecordOutcome.Unreadable))
        {
            return true;
        }

        await _row.WaitAsync(cancellationToken);
        try
        {
            if (_mustReload || _rowUnknown || _loaded is RecordOutcome.Unavailable)
            {
                await LoadAsync(cancellationToken);
            }

            return _loaded is RecordOutcome.Done or RecordOutcome.Missing;
        }
        finally
        {
            _row.Release();
        }
    }

    /// <summary>
    /// Starts a re-read unless one is under way, or has failed just now; decisions are answered as not now until it is done. The
    /// activation stays until it has succeeded: the next one would not know that a write is still on its way.
    /// </summary>
    private Task StartReloading() =>
        _reloading is { IsCompleted: false } ? _reloading
        : ReloadHasFailed ? Task.CompletedTask
        : _reloading = ReloadAsync();

    private async Task ReloadAsync()
    {
        await _row.WaitAsync();
        try
        {
            if (_mustReload && !_storageWentBack)
            {
                await LoadAsync(CancellationToken.None);
                _reloadFailedAt = _mustReload ? _services.Clock.GetTimestamp() : null;
            }
        }
        finally
        {
            _row.Release();
        }
    }

    private void StartWhatLimitsNeed(LimitNeed need)
    {
        if (need == LimitNeed.None || _limitWork is { IsCompleted: false })
        {
            return;
        }

        _limitWork = need == LimitNeed.Claim ? ClaimLimitAsync() : ReserveQuotaAsync();
    }

    /// <summary>
    /// Sees to it that the first block of the quota's next period is there when that begins, also where nobody asks shortly before. Each
    /// client does it at its own time, so that the clients of a silo don't all write when a period begins.
    /// </summary>
    private void WaitForNextPeriod()
    {
        if (_limits.ReserveAheadAt is not { } at || at == _nextPeriodAwaited)
        {
            return;
        }

        _nextPeriodAwaited = at;
        _nextPeriod?.Dispose();
        var now = Now;
        _nextPeriod = this.RegisterGrainTimer(
            _ =>
            {
                var need = _limits.WhatCanWait(Now);
                StartWhatLimitsNeed(need);
                if (_limits.ReserveAheadAt != at)
                {
                    // The next block may be due at the same time once more, as when the clock was set back.
                    _nextPeriod?.Dispose();
                    _nextPeriodAwaited = default;
                }

                return Task.CompletedTask;
            },
            new GrainTimerCreationOptions(at > now ? at - now : TimeSpan.Zero, ReserveAheadAgainAfter) { Interleave = true });
    }

    private async Task ClaimLimitAsync()
    {
        var isRight = await ForgetsLaterPeriodsAsync();
        var now = Now;
        var outcome = await UpdateRowAsync(state => _limits.Claim(state, now, isRight), administrative: false, CancellationToken.None);
        _limits.WorkEnded(outcome == RecordOutcome.Done);
    }

    private async Task ReserveQuotaAsync()
    {
        var isRight = await ForgetsLaterPeriodsAsync();
        var now = Now;
        var outcome = await UpdateRowAsync(state => _limits.Reserve(state, now, isRight), administrative: false, CancellationToken.None);
        _limits.WorkEnded(outcome == RecordOutcome.Done);
    }

    /// <summary>Whether there are later periods to forget, and the clock is beyond doubt. It is asked only where there are: that may be a read.</summary>
    private async ValueTask<bool> ForgetsLaterPeriodsAsync() => _limits.KnowsLaterPeriods && await TrustedNowAsync() is not null;

    /// <summary>Keeps the fast hash of a proven strong secret, so that no restart costs the slow one again.</summary>
    private void StartStoringProof(string secretId, byte[] mac)
    {
        _proofs[secretId] = mac;
        if (_storingProof is null or { IsCompleted: true })
        {
            _storingProof = StoreProofsAsync();
        }
    }

    private async Task StoreProofsAsync()
    {
        // What is proven while a write is under way goes with the next one.
        while (_proofs.Count > 0)
        {
            var proofs = new Dictionary<string, byte[]>(_proofs, StringComparer.Ordinal);
            _proofs.Clear();
            // A failure costs one more slow hash after the next restart, nothing else.
            await UpdateRowAsync(state => WithProofs(state, proofs), administrative: false, CancellationToken.None);
        }
    }

    private ClientState? WithProofs(ClientState? state, Dictionary<string, byte[]> proofs) =>
        state is null || !state.Secrets.Any(s => s.Mac is null && proofs.ContainsKey(s.Id))
            ? null
            : state with
            {
                Secrets = [.. state.Secrets.Select(s => s.Mac is null && proofs.TryGetValue(s.Id, out var mac)
                    ? s with { Mac = mac, PepperId = s.PepperId ?? _services.Peppers.CurrentId }
                    : s)],
            };

    [LoggerMessage(1110, LogLevel.Critical, "Storage holds an older state of client {ClientId} than this silo remembers, which does not adopt it; this client gets 503. After a restored backup stop every process, run 'db restored', and start them again.")]
    private partial void LogStorageWentBack(string clientId);

    [LoggerMessage(1102, LogLevel.Error, "The stored document of client {ClientId} can't be read; this client gets 503 until the row is mended.")]
    private partial void LogUnreadableDocument(Exception exception, string clientId);
}
