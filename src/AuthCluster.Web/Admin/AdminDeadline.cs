using AuthCluster.Web.GrainCalls;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>When a request to the admin API has to be answered: 8 s after it came.</summary>
/// <remarks>The time in which the caller sends the body does not count, nor does that in which the server hashes the secrets of a document.</remarks>
internal sealed class AdminDeadline(TimeProvider clock)
{
    private long _started = clock.GetTimestamp();

    /// <summary>From when it counts, a timestamp of the clock.</summary>
    public long Started => _started;

    /// <summary>How much is left.</summary>
    public TimeSpan Left => CallTimeouts.Deadline - clock.GetElapsedTime(_started);

    /// <summary>Begins the deadline of a request.</summary>
    public static AdminDeadline Begin(HttpContext context, TimeProvider clock)
    {
        var deadline = new AdminDeadline(clock);
        context.Features.Set(deadline);
        return deadline;
    }

    /// <summary>The deadline of a request; null before it has begun.</summary>
    public static AdminDeadline? Of(HttpContext context) => context.Features.Get<AdminDeadline>();

    /// <summary>Does work whose time does not count.</summary>
    public async Task<T> SuspendAsync<T>(Func<Task<T>> work)
    {
        var began = clock.GetTimestamp();
        try
        {
            return await work();
        }
        finally
        {
            _started += clock.GetTimestamp() - began;
        }
    }
}
