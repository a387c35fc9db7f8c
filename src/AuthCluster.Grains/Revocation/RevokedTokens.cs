using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Sweeps;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Grains.Revocation;

/// <summary>
/// The tokens of one client that were revoked one by one. Issuing writes nothing: a token is active while its generation is the present one
/// and its <c>jti</c> is not in this set. The set is read when it is first needed, once for all callers that wait for it, and again after the generation has
/// changed.
/// </summary>
/// <param name="clientId">The client.</param>
/// <param name="generation">The present generation as feed items hold it: one more than the tokens' own.</param>
/// <param name="store">The table of revocations.</param>
/// <param name="gate">Bounds what is asked of storage.</param>
/// <param name="clock">The clock.</param>
internal sealed class RevokedTokens(string clientId, Func<long> generation, RevocationStore store, StorageGate gate, TimeProvider clock)
{
    /// <summary>The most live revocations of one client. With more of them it is cheaper to end all of its tokens.</summary>
    public const int MaxLive = 10_000;

    /// <summary>
    /// Above so many stored ones, expired ones included, no token is revoked that looks expired by a clock in doubt: else a client could fill
    /// the table with tokens that it let expire.
    /// </summary>
    private const int MaxStored = 2 * MaxLive;

    private const int MaxTries = 4;

    private readonly List<RevocationItem> _unknownWrites = [];
    private Known? _known;
    private Task<bool>? _reading;
    private int _version;
    private long _mark;

    /// <summary>The revoked tokens of one generation.</summary>
    private sealed record Known(long Generation, HashSet<string> Ids);

    /// <summary>
    /// Part of every grant that a front end may use again. It changes with each revoked token and starts at a random number, so that no
    /// grant equals one of an earlier activation.
    /// </summary>
    public long Mark => _mark != 0 ? _mark : _mark = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | 1;

    /// <summary>Whether a token is revoked; null while that is not known.</summary>
    public bool? Contains(string jti) => Ids?.Contains(jti);

    /// <summary>Reads the revoked tokens of the present generation unless they are in memory.</summary>
    /// <returns>False when storage does not answer.</returns>
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

    /// <summary>Revokes one token of the present generation. To revoke it again changes nothing.</summary>
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
        var item = new RevocationItem(RevokedKind.Token, clientId, command.Jti, command.Generation + 1, command.ExpiresAt);
        var outcome = await gate.AskAsync(StorageLane.Changes, token => store.AddAsync([item], token), CancellationToken.None);
        if (outcome == StorageOutcome.Unknown)
        {
            // The write may still arrive. Answer nothing about tokens until a repeat of it is known to be stored.
            _unknownWrites.Add(item);
            Forget();
            // The token may be revoked by now, so front ends must not use its grant again.
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
            // A read that is under way may lack it.
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
            // A write came in between: what was read may lack it.
            || version != _version)
        {
            return false;
        }

        _known = new Known(present, new HashSet<string>(ids, StringComparer.Ordinal));
        return true;
    }

    /// <summary>Repeats the writes of unknown outcome: after that they are stored, whatever became of the first tries.</summary>
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

    /// <summary>The set is full, but some of it may have expired: counts the live revocations, and reads the set again when rows were swept.</summary>
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
