namespace AuthCluster.Grains.Clients;

/// <summary>How a wait for shared work ended.</summary>
internal enum WaitOutcome
{
    /// <summary>The work is done: decide again.</summary>
    Done,

    /// <summary>The work failed, since storage is unavailable.</summary>
    Unavailable,

    /// <summary>The work goes on, but this call has waited for long enough.</summary>
    TooLong,
}

/// <summary>Bounds how long one call waits for work that it shares with others, however often it has to.</summary>
internal sealed class CallWait(TimeProvider clock)
{
    /// <summary>
    /// The longest that a call waits. Shorter than its front end waits for the answer: a call that was given up, and then decides
    /// after all, would spend from the limits what nobody gets.
    /// </summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(600);

    private const int MaxRounds = 32;

    private readonly long _began = clock.GetTimestamp();
    private int _rounds;

    /// <summary>Waits for the work, as long as the call may still wait.</summary>
    /// <param name="work">The work; its result says whether it was done.</param>
    public async Task<WaitOutcome> ForAsync(Task<bool> work)
    {
        var left = MaxWait - clock.GetElapsedTime(_began);
        if (left <= TimeSpan.Zero || ++_rounds > MaxRounds)
        {
            return WaitOutcome.TooLong;
        }

        try
        {
            return await work.WaitAsync(left, clock) ? WaitOutcome.Done : WaitOutcome.Unavailable;
        }
        catch (TimeoutException)
        {
            return WaitOutcome.TooLong;
        }
    }
}
