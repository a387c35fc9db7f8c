using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Clients;

/// <summary>
/// The metadata of one issuer (RFC 8414): all callers share one fetch, and each waits as long as its own call may take. A document stays in use
/// until a newer one is read.
/// </summary>
internal sealed partial class IssuerMetadata(string issuer, RequestSender sender, TimeProvider clock, ILogger logger, CancellationToken stopping)
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromHours(1);

    /// <summary>The shortest time between two readings because of a missing member.</summary>
    private static readonly TimeSpan BetweenReadings = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Cooldown _cooldown = new(clock);
    private ServerMetadata? _document;
    private long _readAt;
    private Pause? _rest;
    private Task<ServerMetadata>? _fetch;

    /// <summary>The issuer.</summary>
    public string Issuer => issuer;

    /// <summary>
    /// The address of one endpoint. A document without it may come from a server that is half set up: it is read again a second later, and its
    /// other members stay in use.
    /// </summary>
    /// <param name="member">Its member of the document.</param>
    /// <param name="memberName">That member's name on the wire.</param>
    /// <param name="current">The present options.</param>
    /// <param name="cancellationToken">Ends this caller's wait; the fetch goes on for the others.</param>
    /// <exception cref="AuthClusterException">The document can't be read, or has no such endpoint that may be used.</exception>
    public async ValueTask<Uri> EndpointAsync(Func<ServerMetadata, string?> member, string memberName, AuthClusterTokenOptions current, CancellationToken cancellationToken)
    {
        var budget = RequestBudget.Of(current, clock);
        var document = await GetAsync(budget, cancellationToken);
        return Usable(member(document), current)
            ?? (await LaterAsync(document, budget, cancellationToken) is { } later ? Usable(member(later), current) : null)
            ?? throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, $"The metadata of {issuer} has no {memberName} that may be used.");
    }

    private static Uri? Usable(string? endpoint, AuthClusterTokenOptions current) =>
        Uri.TryCreate(endpoint, UriKind.Absolute, out var address) && ServerAddress.MayCarrySecrets(address, current.AllowPlainHttp) ? address : null;

    private ValueTask<ServerMetadata> GetAsync(RequestBudget budget, CancellationToken cancellationToken)
    {
        Task<ServerMetadata> fetch;
        lock (_gate)
        {
            if (_document is { } document)
            {
                if (clock.GetElapsedTime(_readAt) >= FreshFor && _fetch is null && !_cooldown.IsOn(haveAnswer: true))
                    Start(budget);
                return new(document);
            }

            if (_fetch is null && _cooldown.IsOn(haveAnswer: false) && _cooldown.Failure is { } failure)
                throw _cooldown.Repeat(failure);
            fetch = _fetch ?? Start(budget);
        }

        return new(fetch.WaitAsync(cancellationToken));
    }

    /// <summary>A document that was read after this one, or null when it is too early for another.</summary>
    private async ValueTask<ServerMetadata?> LaterAsync(ServerMetadata lacking, RequestBudget budget, CancellationToken cancellationToken)
    {
        Task<ServerMetadata> fetch;
        lock (_gate)
        {
            if (!ReferenceEquals(_document, lacking))
                return _document;
            if (_fetch is null && (_rest?.HasEnded(clock) == false || _cooldown.IsOn(haveAnswer: true)))
                return null;
            fetch = _fetch ?? Start(budget);
        }

        return await fetch.WaitAsync(cancellationToken);
    }

    /// <summary>Starts the one fetch. No caller owns it: no caller can cancel it, and no caller's context flows into it.</summary>
    private Task<ServerMetadata> Start(RequestBudget budget)
    {
        var tries = _cooldown.Failure is null ? budget : budget.Once();
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
            _fetch = Task.Run(() => RefreshAsync(tries), stopping);
        // When nobody waits for it, a failure has been logged and must not be reported as unobserved.
        _ = _fetch.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return _fetch;
    }

    private async Task<ServerMetadata> RefreshAsync(RequestBudget budget)
    {
        var startedAt = clock.GetTimestamp();
        try
        {
            var document = await sender.WithinAsync(budget, bounded => FetchAsync(budget, bounded), stopping);
            lock (_gate)
            {
                (_document, _readAt, _fetch, _rest) = (document, startedAt, null, Pause.Of(Pause.Spread(BetweenReadings), clock));
                _cooldown.Clear();
            }

            return document;
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _fetch = null;
                if (e is AuthClusterException failure)
                    _cooldown.After(failure, haveAnswer: _document is not null);
            }

            LogUnreadable(e is AuthClusterException { Code: var code } ? code : e.GetType().Name);
            throw;
        }
    }

    private async Task<ServerMetadata> FetchAsync(RequestBudget budget, CancellationToken cancellationToken)
    {
        var address = ServerAddress.MetadataOf(issuer);
        using var response = await sender.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, address), budget, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw await ErrorResponse.ReadAsync(response, secret: "\0", clock, cancellationToken);

        var document = await JsonAnswer.TryReadAsync(response, ClientJson.Default.ServerMetadata, cancellationToken);
        if (document?.Issuer is null)
            throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, $"What {address} answers is not the metadata of an authorization server.");
        // RFC 8414 §3.3: a document of another issuer must not be used; it could name any token endpoint.
        return document.Issuer == issuer
            ? document
            : throw new AuthClusterException(AuthClusterError.Misconfigured, $"The metadata at {address} is of another issuer than the configured {issuer}.");
    }

    [LoggerMessage(1081, LogLevel.Warning, "The authorization server's metadata can't be read ({Error}); going on with the last, if there is one")]
    private partial void LogUnreadable(string error);
}
