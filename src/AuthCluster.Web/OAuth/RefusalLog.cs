using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// Bounds the lines that requests write into the log. Each <see cref="CallerStanding"/> has a bound of its own, so that a flood of strangers
/// hides no refusal of a client that exists, and a flood of wrong secrets none of a client that is authenticated.
/// </summary>
public sealed class RefusalLog(TimeProvider clock, ILoggerFactory loggers) : IDisposable
{
    private readonly LogBound _strangers = new("refusals of callers that name no known client", clock, loggers.CreateLogger<RefusalLog>());
    private readonly LogBound _named = new("refusals of callers that name a client and did not prove to be it", clock, loggers.CreateLogger<RefusalLog>());
    private readonly LogBound _proven = new("refusals and warnings of authenticated clients", clock, loggers.CreateLogger<RefusalLog>());

    /// <summary>Whether one more line may be written now. One that may not is counted, and the count is logged.</summary>
    public bool MayLog(CallerStanding standing) => (standing switch
    {
        CallerStanding.Proven => _proven,
        CallerStanding.Named => _named,
        _ => _strangers,
    }).TryTake();

    /// <inheritdoc/>
    public void Dispose()
    {
        _strangers.Dispose();
        _named.Dispose();
        _proven.Dispose();
    }
}
