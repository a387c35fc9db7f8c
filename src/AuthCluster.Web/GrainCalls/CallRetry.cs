using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Tokens;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.GrainCalls;

/// <summary>
/// The one place where a front end calls a grain, and calls again when the silo that was asked has died or does not answer, all within
/// one deadline.
/// </summary>
/// <remarks>
/// Asking again is harmless. A decision may count twice, but never zero times, and a grain recognises a repeated write by its ids.
/// </remarks>
public sealed partial class CallRetry(CallMetrics metrics, TimeProvider clock, ILogger<CallRetry> logger)
{
    private const int MaxDoublings = 3;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks a grain; null when no silo answers within the deadline.</summary>
    /// <param name="ask">Asks once.</param>
    /// <param name="timeout">How long each attempt is waited for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<TAnswer?> AskAsync<TAnswer>(Func<Task<TAnswer>> ask, AttemptTimeout timeout, CancellationToken cancellationToken)
        where TAnswer : class => AskAsync(static (ask, _) => ask(), ask, timeout, clock.GetTimestamp(), cancellationToken);

    /// <summary>Asks a grain for a request that has used some of its deadline; null when no silo answers within the rest.</summary>
    /// <param name="ask">Asks once. It is told within what time the grain has to answer, for a grain that may wait for as long as its caller does.</param>
    /// <param name="question">What is asked.</param>
    /// <param name="timeout">How long each attempt is waited for.</param>
    /// <param name="started">From when on the deadline counts, a timestamp of the clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task<TAnswer?> AskAsync<TQuestion, TAnswer>(
        Func<TQuestion, TimeSpan, Task<TAnswer>> ask, TQuestion question, AttemptTimeout timeout, long started, CancellationToken cancellationToken)
        where TAnswer : class
    {
        for (var failures = 0; ;)
        {
            if (Left(started) is var left && left <= TimeSpan.Zero)
            {
                return null;
            }

            Exception? failure = null;
            try
            {
                var answer = await timeout.WaitAsync(ask(question, timeout.AnswerWithin(failures, left)), failures, left, clock);
                // "Not now": the grain has waited for as long as one attempt may for a write or a read of its own, which goes on.
                if (answer is not IClientDecision { Kind: DecisionKind.NotNow })
                {
                    return answer;
                }
            }
            catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
            {
                failure = e;
            }

            var pause = PauseAfter(++failures);
            if (pause >= Left(started))
            {
                if (failure is not (null or TimeoutException or OrleansMessageRejectionException))
                {
                    LogGivenUp(failure.GetType().Name, failure.Message);
                }

                return null;
            }

            metrics.Repeated(failure);
            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    /// <summary>
    /// How long to wait before the same question is asked again. Each pause is twice as long as the one before, up to a bound: a silo that is
    /// gone and not yet declared dead refuses at once, and repeats without a pause would keep the processors busy.
    /// </summary>
    private static TimeSpan PauseAfter(int failures) => FirstPause * (1 << Math.Min(failures - 1, MaxDoublings));

    private TimeSpan Left(long started) => CallTimeouts.Deadline - clock.GetElapsedTime(started);

    // Calls that failed because their silo is gone are counted and not logged one by one.
    [LoggerMessage(1004, LogLevel.Warning, "A call failed on its way until its deadline ({Failure}: {Message}); the caller gets 503.")]
    private partial void LogGivenUp(string failure, string message);
}
