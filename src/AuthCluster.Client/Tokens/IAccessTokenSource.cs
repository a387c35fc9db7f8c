namespace AuthCluster.Client.Tokens;

/// <summary>
/// Access tokens of one registered client, cached. An interface, so that tests of your own code need no server.
/// </summary>
public interface IAccessTokenSource
{
    /// <summary>
    /// A token that is valid now: from the cache, renewed in the background when its end is near, or fetched when there is none. Callers that wait
    /// for one target share one request.
    /// </summary>
    /// <param name="target">The scopes and audience; by default those of the options.</param>
    /// <param name="cancellationToken">Ends this caller's wait; the request goes on for the others.</param>
    /// <exception cref="AuthClusterException">No token could be got.</exception>
    ValueTask<AccessToken> GetTokenAsync(TokenTarget target = default, CancellationToken cancellationToken = default);

    /// <summary>
    /// Drops a token that an API has refused, if it is still the cached one. False when that would help nobody: tokens
    /// have just been dropped twice within ten seconds, so it is the API that refuses them all.
    /// </summary>
    /// <param name="refused">The token that was refused.</param>
    bool Invalidate(AccessToken refused);

    /// <summary>Drops the target's token, whatever it is; the next caller gets a new one.</summary>
    /// <param name="target">The scopes and audience; by default those of the options.</param>
    void Invalidate(TokenTarget target = default);
}
