namespace AuthCluster.Client.Tokens;

/// <summary>
/// Access tokens of one registered client, cached. An interface because another process stands behind it: a test of your
/// own code puts a stub here.
/// </summary>
public interface IAccessTokenSource
{
    /// <summary>
    /// A token that is valid now: from the cache, renewed in the background when its end is near, or fetched when there
    /// is none. However many callers wait, one request is under way for a target.
    /// </summary>
    /// <param name="target">The scopes and audience; by default those of the options.</param>
    /// <param name="cancellationToken">Ends this caller's wait; the request goes on for the others.</param>
    /// <exception cref="AuthClusterException">No token is to be had.</exception>
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
