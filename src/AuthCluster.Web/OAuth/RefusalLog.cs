using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// Limits how many refusals are logged. Each <see cref="CallerStanding"/> has a limit of its own: neither a flood of unknown callers nor
/// one of wrong secrets hides the refusals of authenticated clients.
/// </summary>
public sealed class RefusalLog(TimeProvider clock, ILoggerFactory loggers) : IDisposable
{
    private readonly LogRateLimit _unknown = new("refusals of callers that name no known client", clock, loggers.CreateLogger<RefusalLog>());
    private readonly LogRateLimit _named = new("refusals of callers that name a client and did not prove to be it", clock, loggers.CreateLogger<RefusalLog>());
    private readonly LogRateLimit _proven = new("refusals and warnings of authenticated clients", clock, loggers.CreateLogger<RefusalLog>());

    /// <summary>Takes one line; false when the limit is reached. The number of lines left out is logged.</summary>
    public bool MayLog(CallerStanding standing) => (standing switch
    {
        CallerStanding.Proven => _proven,
        CallerStanding.Named => _named,
        _ => _unknown,
    }).TryTake();

    /// <inheritdoc/>
    public void Dispose()
    {
        _unknown.Dispose();
        _named.Dispose();
        _proven.Dispose();
    }
}
