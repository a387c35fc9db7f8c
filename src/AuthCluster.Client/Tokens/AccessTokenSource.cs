using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Tokens;

/// <summary>The cache of one registered client's tokens, by scope and audience.</summary>
/// <remarks>
/// This folder is the caller's half: a call takes its token from a <see cref="CachedToken"/>, which renews itself through
/// <see cref="TokenRequester"/>; <see cref="AccessTokenHandler"/> puts it on requests and reacts to a refusal.
/// </remarks>
internal sealed class AccessTokenSource(TokenRequester requester, TimeProvider clock, ILogger<AccessTokenSource> logger) : IAccessTokenSource, IDisposable
{
    /// <summary>One per tenant may come. So many that were used last are sure to be held.</summary>
    private const int HeldTargets = 10_000;

    private readonly BoundedCache<TokenTarget, CachedToken> _tokens = new(HeldTargets);
    private readonly CancellationTokenSource _stopping = new();
    private bool _disposed;

    /// <summary>How many targets are held.</summary>
    public int Count => _tokens.Count;

    /// <summary>True while a request is under way for any target.</summary>
    public bool IsRenewing => _tokens.Values.Any(cached => cached.IsRenewing);

    public ValueTask<AccessToken> GetTokenAsync(TokenTarget target = default, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<AccessToken>(cancellationToken) : Find(target).GetAsync(cancellationToken);

    public bool Invalidate(AccessToken refused)
    {
        ArgumentNullException.ThrowIfNull(refused);
        return !_tokens.TryGet(refused.Target.Normalized(), out var cached) || cached.Invalidate(refused);
    }

    public void Invalidate(TokenTarget target = default)
    {
        if (_tokens.TryGet(target.Normalized(), out var cached))
            cached.Invalidate();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return; // the container knows it by two keys
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private CachedToken Find(TokenTarget target)
    {
        var key = target.Normalized();
        return _tokens.TryGetRecent(key, out var cached) ? cached : FindOrAdd(key);
    }

    private CachedToken FindOrAdd(TokenTarget key) =>
        _tokens.GetOrAdd(key, static _ => true, target => new CachedToken(target, requester, clock, logger, _stopping.Token));
}
