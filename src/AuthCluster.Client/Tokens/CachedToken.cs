using System.Diagnostics;
using AuthCluster.Client.Clients;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Tokens;

/// <summary>
/// The token of one target, and the request for its successor. Callers take a fresh token without a lock. Everything else is decided under one
/// short lock, so that there is never more than one request.
/// </summary>
internal sealed partial class CachedToken(TokenTarget target, TokenRequester requester, TimeProvider clock, ILogger logger, CancellationToken stopping)
{
    private static readonly TimeSpan InvalidationWindow = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Cooldown _cooldown = new(clock);
    private AccessToken? _token;
    private Task<AccessToken>? _renewal;
    private long? _invalidated;
    private long? _invalidatedBefore;

    /// <summary>True while a request is under way.</summary>
    public bool IsRenewing
    {
        get
        {
            lock (_gate)
                return _renewal is not null;
        }
    }

    public ValueTask<AccessToken> GetAsync(CancellationToken cancellationToken)
    {
        var token = Volatile.Read(ref _token);
        return token is not null && !token.IsDue(clock) ? new(token) : GetOrRenewAsync(cancellationToken);
    }

    public bool Invalidate(AccessToken refused)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_token, refused))
                return true; // another caller was first: there is a newer one, or a request for it
            if (_invalidatedBefore is { } before && clock.GetElapsedTime(before) < InvalidationWindow)
                return false;
            _invalidatedBefore = _invalidated;
            _invalidated = clock.GetTimestamp();
            _token = null;
            return true;
        }
    }

    public void Invalidate()
    {
        lock (_gate)
            _token = null;
    }

    private async ValueTask<AccessToken> GetOrRenewAsync(CancellationToken cancellationToken)
    {
        Task<AccessToken> renewal;
        lock (_gate)
        {
            if (_token is { } token && token.IsUsable(clock))
            {
                if (token.IsDue(clock) && _renewal is null && !_cooldown.IsOn(haveAnswer: true))
                    Start();
                return token;
            }

            if (_renewal is null && _cooldown.IsOn(haveAnswer: false) && _cooldown.Failure is { } failure)
                throw _cooldown.Repeat(failure);
            renewal = _renewal ?? Start();
        }

        return await renewal.WaitAsync(cancellationToken);
    }

    /// <summary>Starts the one request. It belongs to no caller: none can cancel it, and none's context flows into it.</summary>
    private Task<AccessToken> Start()
    {
        var caller = Activity.Current?.Context ?? default;
        var isRepeat = _cooldown.Failure is not null;
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
            _renewal = Task.Run(() => RenewAsync(caller, isRepeat), stopping);
        // When nobody waits for it, a failure has been logged and must not be reported as unobserved.
        _ = _renewal.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return _renewal;
    }

    private async Task<AccessToken> RenewAsync(ActivityContext caller, bool isRepeat)
    {
        try
        {
            var token = await requester.RequestAsync(target, isRepeat, caller, stopping);
            lock (_gate)
            {
                _renewal = null;
                _cooldown.Clear();
                Volatile.Write(ref _token, token);
            }

            return token;
        }
        catch (AuthClusterException e)
        {
            TimeSpan pause;
            bool haveToken;
            lock (_gate)
            {
                _renewal = null;
                haveToken = _token is { } token && token.IsUsable(clock);
                pause = _cooldown.After(e, haveToken);
            }

            LogFailed(e, target.Scope, target.Audience, e.Code, haveToken, pause);
            throw;
        }
        catch (Exception) // the end of the application, or a defect: the next caller must be able to begin anew
        {
            lock (_gate)
                _renewal = null;
            throw;
        }
    }

    [LoggerMessage(1084, LogLevel.Warning, "No new token for scope '{Scope}', audience '{Audience}': {Error}. The present one is still valid: {HaveToken}. Not asking again for {Pause}")]
    private partial void LogFailed(Exception exception, string? scope, string? audience, string error, bool haveToken, TimeSpan pause);
}
