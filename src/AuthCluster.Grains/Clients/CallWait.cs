namespace AuthCluster.Grains.Clients;

/// <summary>How a wait for shared work ended.</summary>
internal enum WaitOutcome
{
    /// <summary>The work is done: decide again.</summary>
    Done,

    /// <summary>The work failed, since storage is unavailable.</summary>
    Unavailable,

    /// <summary>The work goes on, but this call has waited as long as it may.</summary>
    TooLong,
}

/// <summary>Bounds how long one call waits, in total, for work that it shares with other calls.</summary>
internal sealed class CallWait(TimeProvider clock)
{
    /// <summary>
    /// The longest total wait of a call. Shorter than the front end waits for the answer, since a call that decides after its front end has
    /// given up spends a permit for a token that nobody gets. That can still happen where the call also had to wait for its activation to
    /// read the row: such a request may count twice, and never too little.
    /// </summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(600);

    private const int MaxRounds = 32;

    private readonly long _began = clock.GetTimestamp();
    private int _rounds;

    /// <summary>Waits for the work, for what is left of the call's time.</summary>
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
