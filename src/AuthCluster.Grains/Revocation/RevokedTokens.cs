using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Sweeps;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Grains.Revocation;

/// <summary>
/// The tokens of one client that were revoked one by one. Issuing writes nothing: a token lives while its generation is the present one
/// and its <c>jti</c> is not here. Read at first need, once for all who ask at the same time, and again when the generation has moved.
/// </summary>
/// <param name="clientId">The client.</param>
/// <param name="generation">The present generation as feed items hold it: one more than the tokens' own.</param>
/// <param name="store">Where revocations are kept.</param>
/// <param name="gate">The way to storage.</param>
/// <param name="clock">The clock.</param>
internal sealed class RevokedTokens(string clientId, Func<long> generation, RevocationStore store, StorageGate gate, TimeProvider clock)
{
    /// <summary>The most live revocations of one client. Beyond it, ending all of its tokens is the cheaper way.</summary>
    public const int MaxLive = 10_000;

    /// <summary>
    /// Beyond so many, those included that are not swept yet, no token is revoked that has expired by a clock that is in doubt: else a client
    /// could store one token after the other that it let expire.
    /// </summary>
    private const int MaxStored = 2 * MaxLive;

    private const int MaxTries = 5;

    private readonly List<RevocationItem> _unknownWrites = [];
    private Known? _known;
    private Task<bool>? _reading;
    private int _version;
    private long _mark;

    /// <summary>What is known of one generation.</summary>
    private sealed record Known(long Generation, HashSet<string> Ids);

    /// <summary>
    /// Part of every grant that may be handed out again: moves with each revoked token, and starts anywhere, so that what an earlier
    /// activation granted is not taken for the same.
    /// </summary>
    public long Mark => _mark != 0 ? _mark : _mark = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | 1;

    /// <summary>Whether a token is revoked; null when that is not known.</summary>
    public bool? Contains(string jti) => Ids?.Contains(jti);

    /// <summary>Reads the revoked tokens of the present generation, unless they are known.</summary>
    /// <returns>False when they can't be known now.</returns>
    public async Task<bool> LoadAsync()
    {
        for (var tries = 0; Ids is null; tries++)
        {
            if (_reading is null or { IsCompleted: true })
            {
                _reading = ReadAsync();
            }

            if (!await _reading || tries == MaxTries)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Revokes one token of the present generation. Revoking twice is revoking once.</summary>
    public async Task<ClientOutcome> AddAsync(RevokeTokenCommand command, CancellationToken cancellationToken)
    {
        if (!await LoadAsync() || Ids is not { } ids)
        {
            return ClientOutcome.Unavailable;
        }

        if (ids.Contains(command.Jti))
        {
            return ClientOutcome.Done;
        }

        if (ids.Count >= MaxLive && await RefuseForRoomAsync(command, ids.Count, cancellationToken) is { } refused)
        {
            return refused;
        }

        return await StoreAsync(command) ? ClientOutcome.Done : ClientOutcome.Unavailable;
    }

    private HashSet<string>? Ids => _known is { } known && known.Generation == generation() ? known.Ids : null;

    private async Task<bool> StoreAsync(RevokeTokenCommand command)
    {
        var item = new RevocationItem(RevocationKind.Token, clientId, command.Jti, command.Generation + 1, command.ExpiresAt);
        var outcome = await gate.AskAsync(StorageLane.Changes, token => store.AddAsync([item], token), CancellationToken.None);
        if (outcome == StorageOutcome.Unknown)
        {
            // It may be stored later still. Nothing is answered about tokens until it is stored for sure.
            _unknownWrites.Add(item);
            Forget();
            // The token may be revoked by now, so it must not be handed out again either.
            MoveMark();
        }

        if (outcome != StorageOutcome.Done)
        {
            return false;
        }

        if (Ids is { } ids)
        {
            ids.Add(command.Jti);
        }
        else
        {
            // What is read just now may lack it.
            _version++;
        }

        MoveMark();
        return true;
    }

    private void MoveMark() => _mark = _mark == 0 ? 0 : _mark + 2;

    private void Forget()
    {
        _known = null;
        _version++;
    }

    private async Task<bool> ReadAsync()
    {
        var (version, present) = (_version, generation());
        if (!await StoreUnknownWritesAsync()
            || !(await gate.AskAsync(StorageLane.Reads, token => store.TokensAsync(clientId, present, token), CancellationToken.None)).TryGet(out var ids)
            // Read from before a write.
            || version != _version)
        {
            return false;
        }

        _known = new Known(present, new HashSet<string>(ids, StringComparer.Ordinal));
        return true;
    }

    /// <summary>Stores again what may be stored: after that it is, whatever becomes of the first write.</summary>
    /// <returns>False when storage does not answer.</returns>
    private async Task<bool> StoreUnknownWritesAsync()
    {
        if (_unknownWrites.Count == 0)
        {
            return true;
        }

        RevocationItem[] items = [.. _unknownWrites];
        if (await gate.AskAsync(StorageLane.Changes, token => store.AddAsync(items, token), CancellationToken.None) != StorageOutcome.Done)
        {
            return false;
        }

        _unknownWrites.RemoveRange(0, items.Length);
        return true;
    }

    /// <summary>The set is full of what may have expired since: counts what lives, and where there is room forgets what was swept.</summary>
    /// <returns>Null when there is room.</returns>
    private async Task<ClientOutcome?> RefuseForRoomAsync(RevokeTokenCommand command, int held, CancellationToken cancellationToken)
    {
        var present = generation();
        var counts = await gate.AskAsync(
            StorageLane.Reads,
            token => store.CountTokensAsync(clientId, present, clock.GetUtcNow() - TableSweeper.RevocationsKeptAfterEnd, token),
            cancellationToken);
        if (!counts.TryGet(out var count))
        {
            return ClientOutcome.Unavailable;
        }

        var (stored, live) = count;
        if (live >= MaxLive || (stored >= MaxStored && command.ExpiresAt <= clock.GetUtcNow()))
        {
            return ClientOutcome.TooMany;
        }

        if (stored >= held)
        {
            return null;
        }

        Forget();
        return await LoadAsync() ? null : ClientOutcome.Unavailable;
    }
}
