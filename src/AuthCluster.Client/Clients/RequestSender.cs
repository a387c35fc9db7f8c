namespace AuthCluster.Client.Clients;

/// <summary>
/// Sends requests to the authorization server. Every failure becomes an <see cref="AuthClusterException"/>, since handlers, proxies and resolvers
/// throw exceptions of any type; only the caller's own cancellation passes through.
/// </summary>
internal sealed class RequestSender(string httpClientName, IHttpClientFactory http, TimeProvider clock)
{
    /// <summary>Sends a request, again where that may help, and answers the last response, whatever its status.</summary>
    /// <param name="create">Makes the request, anew for each attempt.</param>
    /// <param name="budget">Its time and repeats. No pause begins that would outlast it: the last answer tells the caller more than a
    /// time-out.</param>
    /// <param name="cancellationToken">Ends them all.</param>
    /// <exception cref="AuthClusterException">There was no response.</exception>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, RequestBudget budget, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var pause = RetryRules.DelayAfter(attempt, asked: null);
            try
            {
                var response = await AttemptAsync(create(), budget, cancellationToken);
                var asked = RetryAfter.Of(response, clock);
                if (asked is not null)
                    pause = RetryRules.DelayAfter(attempt, asked);
                if (asked > RetryRules.MaxWaitInCall || !budget.HasRoomFor(attempt, pause, clock) || !await RetryRules.MayPassAsync(response, cancellationToken))
                    return response;
                response.Dispose();
            }
            catch (AuthClusterException) when (budget.HasRoomFor(attempt, pause, clock))
            {
                // Tried again: no connection, or no answer in time.
            }

            await Pause.Of(pause, clock).WaitAsync(clock, cancellationToken);
        }
    }

    /// <summary>
    /// Runs a call within one time limit for all of it: reading the secret, finding the endpoint, the request and its repeats.
    /// </summary>
    /// <param name="budget">Its total is the limit.</param>
    /// <param name="call">The call; its token is cancelled at the limit, and with the caller's token.</param>
    /// <param name="cancellationToken">The caller's own.</param>
    /// <exception cref="AuthClusterException">The call failed, or took longer.</exception>
    /// <exception cref="OperationCanceledException">The caller has cancelled.</exception>
    public async Task<T> WithinAsync<T>(RequestBudget budget, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(budget.Left(clock), clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            return await call(linked.Token);
        }
        catch (Exception e) when (e is not AuthClusterException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw timer.IsCancellationRequested
                ? new AuthClusterException(AuthClusterError.TimedOut, $"The authorization server gave no answer within {budget.Total}.", innerException: e)
                : new AuthClusterException(AuthClusterError.Unreachable, $"The authorization server could not be asked ({e.GetType().Name}).", innerException: e);
        }
    }

    /// <summary>One attempt within a time limit of its own. The limit covers the body, so that a body that trickles in ends with it.</summary>
    private async Task<HttpResponseMessage> AttemptAsync(HttpRequestMessage request, RequestBudget budget, CancellationToken cancellationToken)
    {
        OwnRequest.Mark(request);
        using var sent = request;
        using var timer = new CancellationTokenSource(budget.Attempt, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            using var client = http.CreateClient(httpClientName);
            (request.Version, request.VersionPolicy) = (client.DefaultRequestVersion, client.DefaultVersionPolicy);
            return await client.SendAsync(request, linked.Token);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            var address = request.RequestUri?.GetLeftPart(UriPartial.Path);
            if (timer.IsCancellationRequested)
                throw new AuthClusterException(AuthClusterError.TimedOut, $"{address} did not answer in time.", innerException: e);
            // A connection that is not made in time is reported as a cancellation too.
            var cause = e is HttpRequestException { HttpRequestError: not HttpRequestError.Unknown and var error } ? error.ToString() : e.GetType().Name;
            throw new AuthClusterException(AuthClusterError.Unreachable, $"{address} could not be reached ({cause}).", innerException: e);
        }
    }
}
