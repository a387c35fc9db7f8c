using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Revocation;
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

    // Read at first need; null until then, and after a write whose outcome is unknown.
    private HashSet<string>? _revoked;
    private Task<bool>? _readingRevoked;
    private int _revokedVersion;
    private long _revocationMark;

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

        if (_policy is null)
        {
            return AnswerOfNobody();
        }

        if (command.Generation != PresentGeneration || command.ExpiresAt <= Now)
        {
            // Dead already, by the generation or by its end.
            return Answer(ClientOutcome.Done);
        }

        if (!await LoadRevokedAsync())
        {
            return Answer(ClientOutcome.Unavailable);
        }

        if (_revoked!.Contains(command.Jti))
        {
            return Answer(ClientOutcome.Done);
        }

        if (_revoked.Count >= MostRevokedTokens && await HasNoRoomAsync(cancellationToken) is { } refused)
        {
            return Answer(refused);
        }

        return Answer(await StoreRevocationAsync(command) ? ClientOutcome.Done : ClientOutcome.Unavailable);
    }

    /// <summary>All that is asked here is read after the last wait: a change that was made meanwhile counts.</summary>
    private TokenStanding StandingOf(CheckTokenCommand command)
    {
        if (_mustReload || _revoked is not { } revoked)
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
            await _services.Gate.WriteAsync(token => _services.Revocations.AddAsync([item], token), CancellationToken.None);
        }
        catch (StorageUnavailableException e)
        {
            if (e.OutcomeUnknown)
            {
                // Nothing is answered about tokens until it was read whether this one is revoked.
                ForgetRevoked();
            }

            return false;
        }

        _revoked?.Add(command.Jti);
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

    /// <summary>Reads the revoked tokens once for all who ask at the same time.</summary>
    /// <returns>False when they are not known.</returns>
    private async Task<bool> LoadRevokedAsync()
    {
        if (_revoked is not null)
        {
            return true;
        }

        if (_readingRevoked is null or { IsCompleted: true })
        {
            _readingRevoked = ReadRevokedAsync();
        }

        return await _readingRevoked;
    }

    private async Task<bool> ReadRevokedAsync()
    {
        var version = _revokedVersion;
        IReadOnlyList<string> live = [];
        try
        {
            await _services.Gate.ReadAsync(
                async token => live = await _services.Revocations.LiveTokensAsync(_clientId, ItemGeneration, Now - RevocationSweeper.KeptPastEnd, token), CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            return false;
        }

        if (version != _revokedVersion)
        {
            // Read from before a write of unknown outcome.
            return false;
        }

        _revoked ??= new HashSet<string>(live, StringComparer.Ordinal);
        return true;
    }

    /// <summary>The set is full of what may have expired since: counts what lives, and forgets the rest where there is room.</summary>
    /// <returns>Null when there is room.</returns>
    private async Task<ClientOutcome?> HasNoRoomAsync(CancellationToken cancellationToken)
    {
        var live = 0;
        try
        {
            await _services.Gate.ReadAsync(
                async token => live = await _services.Revocations.CountLiveTokensAsync(_clientId, ItemGeneration, Now - RevocationSweeper.KeptPastEnd, token), cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            return ClientOutcome.Unavailable;
        }

        if (live >= MostRevokedTokens)
        {
            return ClientOutcome.TooMany;
        }

        _revoked = null;
        _revokedVersion++;
        return await LoadRevokedAsync() ? null : ClientOutcome.Unavailable;
    }
}
