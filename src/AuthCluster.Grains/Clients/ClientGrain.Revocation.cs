using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Cluster;
using AuthCluster.Storage;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Whether a token is active. Issuing writes nothing: a token lives while its generation is the present one and
/// its <c>jti</c> is not among the few that were revoked one by one.
/// </summary>
internal sealed partial class ClientGrain
{
    /// <summary>Most live revocations of one client. Past it, ending all of its tokens is the cheaper way.</summary>
    private const int MostRevokedTokens = 10_000;

    /// <summary>
    /// Past so many, those included that are not swept yet, no token is revoked that has expired by a clock that is in doubt: else a client
    /// could store one token after the other that it let expire.
    /// </summary>
    private const int MostStoredRevocations = 2 * MostRevokedTokens;

    // Read at first need; null until then, and after a write whose outcome is unknown. Another generation has others.
    private RevokedTokens? _revoked;
    private readonly List<RevocationItem> _unknownRevocations = [];
    private Task<bool>? _readingRevoked;
    private int _revokedVersion;
    private long _revocationMark;

    /// <summary>The <c>jti</c>s that are revoked of one generation's tokens, which <paramref name="Generation"/> is the <see cref="ItemGeneration"/> of.</summary>
    private sealed record RevokedTokens(long Generation, HashSet<string> Ids);

    /// <summary>The revoked tokens of the present generation; null when they are not known.</summary>
    private HashSet<string>? Revoked => _revoked is { } known && known.Generation == ItemGeneration ? known.Ids : null;

    /// <summary>
    /// Part of every grant that may be handed out again: moves with each revoked token, and starts anywhere, so that
    /// what an earlier activation granted is not taken for the same.
    /// </summary>
    private long RevocationMark =>
        _policy!.Document.TokenReuseSeconds == 0 ? 0
        : _revocationMark != 0 ? _revocationMark
        : _revocationMark = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | 1;

    public async Task<CheckTokenAnswer> CheckTokenAsync(CheckTokenCommand command, CancellationToken cancellationToken = default)
    {
        if (_mustReload)
        {
            await StartReloading();
        }

        if (_mustReload)
        {
            return new CheckTokenAnswer(TokenStanding.Unknown);
        }

        if (_policy is null)
        {
            LeaveNothingBehind();
            return new CheckTokenAnswer(IsKnownAbsent ? TokenStanding.Inactive : TokenStanding.Unknown);
        }

        if (!await LoadRevokedAsync())
        {
            return new CheckTokenAnswer(TokenStanding.Unknown);
        }

        return new CheckTokenAnswer(StandingOf(command));
    }

    public async Task<ClientAnswer> RevokeTokenAsync(RevokeTokenCommand command, CancellationToken cancellationToken = default)
    {
        if (_mustReload)
        {
            await StartReloading();
        }

        if (_mustReload)
        {
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        if (_policy is null)
        {
            return AnswerOfNobody();
        }

        if (command.Generation != PresentGeneration || (command.ExpiresAt <= Now && command.ExpiresAt <= await TrustedNowAsync()))
        {
            // Dead already, by the generation or by its end. Where the clock is in doubt it is stored: it may live.
            return Answer(ClientOutcome.Done);
        }

        if (!await LoadRevokedAsync() || Revoked is not { } revoked)
        {
            return Answer(ClientOutcome.Unavailable);
        }

        if (revoked.Contains(command.Jti))
        {
            return Answer(ClientOutcome.Done);
        }

        if (revoked.Count >= MostRevokedTokens && await HasNoRoomAsync(command, revoked.Count, cancellationToken) is { } refused)
        {
            return Answer(refused);
        }

        return Answer(await StoreRevocationAsync(command) ? ClientOutcome.Done : ClientOutcome.Unavailable);
    }

    /// <summary>All that is asked here is read after the last wait: a change that was made meanwhile counts.</summary>
    private TokenStanding StandingOf(CheckTokenCommand command)
    {
        if (_mustReload || Revoked is not { } revoked)
        {
            return TokenStanding.Unknown;
        }

        return _policy is { Enabled: true }
            && command.Generation == PresentGeneration
            && !revoked.Contains(command.Jti)
            && (command.Scope is not { } scope || _policy.Document.Scopes.Contains(scope))
                ? TokenStanding.Active
                : TokenStanding.Inactive;
    }

    /// <summary>The generation of the client's tokens that may live.</summary>
    private long PresentGeneration => _services.Floor.Value + (_policy?.Generation ?? 0);

    /// <summary>What the items of those tokens hold: one more, so that the tokens are below it.</summary>
    private long ItemGeneration => PresentGeneration + 1;

    private async Task<bool> StoreRevocationAsync(RevokeTokenCommand command)
    {
        var item = new RevocationItem(RevocationKind.Token, _clientId, command.Jti, command.Generation + 1, command.ExpiresAt);
        try
        {
            await _services.Gate.RunAsync(StorageLane.Changes, token => _services.Revocations.AddAsync([item], token), CancellationToken.None);
        }
        catch (StorageUnavailableException e)
        {
            if (e.OutcomeUnknown)
            {
                // It may be stored later still. Nothing is answered about tokens until it is stored for sure.
                _unknownRevocations.Add(item);
                ForgetRevoked();
            }

            return false;
        }

        if (Revoked is { } revoked)
        {
            revoked.Add(command.Jti);
        }
        else
        {
            // What is read just now may lack it.
            _revokedVersion++;
        }

        _revocationMark = _revocationMark == 0 ? 0 : _revocationMark + 2;
        return true;
    }

    private void ForgetRevoked()
    {
        _revoked = null;
        _revokedVersion++;
        // The token may be revoked by now, so it must not be handed out again either.
        _revocationMark = _revocationMark == 0 ? 0 : _revocationMark + 2;
    }

    /// <summary>Reads the revoked tokens once for all who ask at the same time, and again when the generation has moved meanwhile.</summary>
    /// <returns>False when they are not known.</returns>
    private async Task<bool> LoadRevokedAsync()
    {
        for (var tries = 0; Revoked is null; tries++)
        {
            if (_readingRevoked is null or { IsCompleted: true })
            {
                _readingRevoked = ReadRevokedAsync();
            }

            if (!await _readingRevoked || tries == MostTries)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<bool> ReadRevokedAsync()
    {
        var version = _revokedVersion;
        var generation = ItemGeneration;
        IReadOnlyList<string> ids = [];
        try
        {
            await StoreUnknownRevocationsAsync();
            await _services.Gate.ReadAsync(
                async token => ids = await _services.Revocations.TokensAsync(_clientId, generation, token), CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            return false;
        }

        if (version != _revokedVersion)
        {
            // Read from before a write.
            return false;
        }

        _revoked = new RevokedTokens(generation, new HashSet<string>(ids, StringComparer.Ordinal));
        return true;
    }

    /// <summary>Stores again what may be stored: after that it is, whatever becomes of the first write.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    private async Task StoreUnknownRevocationsAsync()
    {
        if (_unknownRevocations.Count > 0)
        {
            RevocationItem[] items = [.. _unknownRevocations];
            await _services.Gate.RunAsync(StorageLane.Changes, token => _services.Revocations.AddAsync(items, token), CancellationToken.None);
            _unknownRevocations.RemoveRange(0, items.Length);
        }
    }

    /// <summary>The set is full of what may have expired since: counts what lives, and where there is room forgets what was swept.</summary>
    /// <returns>Null when there is room.</returns>
    private async Task<ClientOutcome?> HasNoRoomAsync(RevokeTokenCommand command, int held, CancellationToken cancellationToken)
    {
        var (stored, live) = (0L, 0L);
        var generation = ItemGeneration;
        try
        {
            await _services.Gate.ReadAsync(
                async token => (stored, live) = await _services.Revocations.CountTokensAsync(_clientId, generation, Now - TableSweeper.RevocationsKeptPastEnd, token), cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            return ClientOutcome.Unavailable;
        }

        if (live >= MostRevokedTokens || (stored >= MostStoredRevocations && command.ExpiresAt <= Now))
        {
            return ClientOutcome.TooMany;
        }

        if (stored >= held)
        {
            return null;
        }

        _revoked = null;
        _revokedVersion++;
        return await LoadRevokedAsync() ? null : ClientOutcome.Unavailable;
    }
}
