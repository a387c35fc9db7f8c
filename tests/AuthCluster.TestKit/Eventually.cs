using System.Diagnostics;

namespace AuthCluster.TestKit;

/// <summary>Waits for an effect of another process: checks a condition until it holds, and fails at a deadline.</summary>
public static class Eventually
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(25);

    /// <summary>Returns when <paramref name="condition"/> holds; throws <see cref="TimeoutException"/> naming <paramref name="what"/> when it does not within <paramref name="deadline"/>.</summary>
    public static async Task HoldsAsync(string what, TimeSpan deadline, Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > deadline)
            {
                throw new TimeoutException($"Not within {deadline.TotalSeconds} s: {what}.");
            }

            await Task.Delay(Step, cancellationToken);
        }
    }

    /// <summary>As the other overload, for a condition that needs no waiting itself.</summary>
    public static Task HoldsAsync(string what, TimeSpan deadline, Func<bool> condition, CancellationToken cancellationToken) =>
        HoldsAsync(what, deadline, () => Task.FromResult(condition()), cancellationToken);
}
