using AuthCluster.Web.Cluster;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// Bounds the lines that requests write into the log: those of callers who proved who they are apart from the others, so that a
/// stranger's flood hides no refusal of a client.
/// </summary>
public sealed class RefusalLog(TimeProvider clock, ILoggerFactory loggers) : IDisposable
{
    private readonly LogBound _clients = new("refusals and warnings of authenticated clients", clock, loggers.CreateLogger<RefusalLog>());
    private readonly LogBound _others = new("refusals of callers that are not authenticated", clock, loggers.CreateLogger<RefusalLog>());

    /// <summary>Whether one more line may be written now. One that may not is counted, and the count is logged.</summary>
    /// <param name="isProven">Whether the caller proved who it is.</param>
    public bool MayLog(bool isProven) => (isProven ? _clients : _others).TryTake();

    /// <inheritdoc/>
    public void Dispose()
    {
        _clients.Dispose();
        _others.Dispose();
    }
}
