using AuthCluster.Contracts.Clients;
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

    public async Task<CheckTokenAnswer> CheckTokenAsync(CheckTokenCommand command, CancellationToken cancellationToken = default)
    {
        if (_mustReload)
        {
            StartReloading();
            return new CheckTokenAnswer(TokenStanding.Unknown);
        }

        if (_policy is null)
        {
            DeactivateOnIdle();
            return new CheckTokenAnswer(
                _loaded is RecordOutcome.Missing or RecordOutcome.Done ? TokenStanding.Inactive : TokenStanding.Unknown);
        }

        if (!await LoadRevokedAsync(cancellationToken))
        {
            return new CheckTokenAnswer(TokenStanding.Unknown);
        }

        // The policy is read after the wait: a generation that was raised meanwhile counts.
        return new CheckTokenAnswer(
            _policy is { Enabled: true } policy
            && command.Generation == _services.Floor.Value + policy.Generation
            && _revoked is { } revoked && !revoked.Contains(command.Jti)
                ? TokenStanding.Active
                : TokenStanding.Inactive);
    }

    public async Task<ClientAnswer> RevokeTokenAsync(RevokeTokenCommand command, CancellationToken cancellationToken = default)
    {
        if (_policy is null)
        {
            return new ClientAnswer
            {
                Outcome = _loaded is RecordOutcome.Missing or RecordOutcome.Done ? ClientOutcome.NotFound : ClientOutcome.Unavailable,
            };
        }

        if (!await LoadRevokedAsync(cancellationToken))
        {
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        if (_revoked!.Contains(command.Jti))
        {
            return new ClientAnswer { Outcome = ClientOutcome.Done };
        }

        if (_revoked.Count >= MostRevokedTokens && await CountLiveAsync(cancellationToken) >= MostRevokedTokens)
        {
            return new ClientAnswer { Outcome = ClientOutcome.TooMany };
        }

        try
        {
            var item = new RevocationItem(RevocationKind.Token, _clientId, command.Jti, command.Generation + 1, command.ExpiresAt);
            await _services.Gate.WriteAsync(token => _services.Revocations.AddAsync([item], token), CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            // Whether it was written is not known: nothing is answered about tokens until it was read.
            _revoked = null;
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        _revoked?.Add(command.Jti);
        return new ClientAnswer { Outcome = ClientOutcome.Done };
    }

    private async Task<bool> LoadRevokedAsync(CancellationToken cancellationToken)
    {
        if (_revoked is not null)
        {
            return true;
        }

        try
        {
            IReadOnlyList<string> live = [];
            await _services.Gate.ReadAsync(
                async token => live = await _services.Revocations.LiveTokensAsync(_clientId, Now, token), cancellationToken);
            _revoked ??= new HashSet<string>(live, StringComparer.Ordinal);
            return true;
        }
        catch (StorageUnavailableException)
        {
            return false;
        }
    }

    /// <summary>Forgets what has expired when the set is full.</summary>
    private async Task<int> CountLiveAsync(CancellationToken cancellationToken)
    {
        _revoked = null;
        return await LoadRevokedAsync(cancellationToken) ? _revoked!.Count : MostRevokedTokens;
    }
}
