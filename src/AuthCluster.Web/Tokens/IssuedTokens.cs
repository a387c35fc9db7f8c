using AuthCluster.Contracts.Clients;
using AuthCluster.Web.GrainCalls;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// Asks the grain of a token's client about the token. <see cref="TokenValidator"/> has checked before what the token and the keys show.
/// </summary>
public sealed class IssuedTokens(IGrainFactory grains, CallRetry retry, CallTimeouts timeouts)
{
    /// <summary>Asks whether a token that this server issued and that has not expired is still active.</summary>
    /// <param name="token">The token.</param>
    /// <param name="scope">A scope that its client must still be registered for; null where the token's own scope is enough.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns><see cref="TokenStanding.Unknown"/> when that can't be known now: the caller must not take it for either answer.</returns>
    public async Task<TokenStanding> CheckAsync(ValidatedToken token, string? scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        var command = new CheckTokenCommand(token.Jti, token.Generation, scope);
        var answer = await retry.AskAsync(
            () => GrainOf(token).CheckTokenAsync(command, CancellationToken.None), timeouts.Quick, cancellationToken);
        return answer?.Standing ?? TokenStanding.Unknown;
    }

    /// <summary>Revokes one token of its client. A repeat changes nothing.</summary>
    public async Task<ClientOutcome> RevokeAsync(ValidatedToken token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        var command = new RevokeTokenCommand(token.Jti, token.Generation, DateTimeOffset.FromUnixTimeSeconds(token.ExpiresAt));
        var answer = await retry.AskAsync(
            () => GrainOf(token).RevokeTokenAsync(command, CancellationToken.None), timeouts.Slow, cancellationToken);
        return answer?.Outcome ?? ClientOutcome.Unavailable;
    }

    private IClientGrain GrainOf(ValidatedToken token) => grains.Client(token.ClientId.Value);
}
