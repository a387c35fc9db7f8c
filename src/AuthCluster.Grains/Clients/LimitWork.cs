using AuthCluster.Grains.Limits;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// The writes of the row that a client's limits need: claims of the rate limit and reservations of quota blocks. One is under way at a
/// time, and all decisions that need one wait for the same.
/// </summary>
internal sealed class LimitWork(IGrainBase grain, ClientRow row, ClientLimits limits, ClientGrainServices services)
{
    private static readonly TimeSpan ReserveAheadAgainAfter = TimeSpan.FromSeconds(10);

    private Task<bool> _underWay = Task.FromResult(true);
    private IGrainTimer? _nextPeriod;
    private DateTimeOffset _nextPeriodAwaited;

    /// <summary>Whether a write is under way.</summary>
    public bool IsUnderWay => !_underWay.IsCompleted;

    /// <summary>Starts what the limits need, or joins the write that is under way.</summary>
    /// <returns>The write; it ends with false when it has failed.</returns>
    public Task<bool> Start(LimitNeed need) =>
        need == LimitNeed.None || IsUnderWay ? _underWay : _underWay = WriteAsync(need);

    /// <summary>
    /// Sees to it that the first block of the quota's next period is there when that begins, also where nobody asks shortly before. Each
    /// client does it at its own time, so that the clients of a silo don't all write when a period begins.
    /// </summary>
    public void ScheduleReserveAhead()
    {
        if (limits.ReserveAheadAt is not { } at || at == _nextPeriodAwaited)
        {
            return;
        }

        _nextPeriodAwaited = at;
        _nextPeriod?.Dispose();
        var now = services.Clock.GetUtcNow();
        _nextPeriod = grain.RegisterGrainTimer(
            _ =>
            {
                Start(limits.NeedAhead(services.Clock.GetUtcNow()));
                if (limits.ReserveAheadAt != at)
                {
                    // The next block may be due at the same time once more, as when the clock was set back.
                    _nextPeriod?.Dispose();
                    _nextPeriodAwaited = default;
                }

                return Task.CompletedTask;
            },
            new GrainTimerCreationOptions(at > now ? at - now : TimeSpan.Zero, ReserveAheadAgainAfter) { Interleave = true });
    }

    private async Task<bool> WriteAsync(LimitNeed need)
    {
        // The trusted time may cost a read, so it is asked only where there are later periods to forget.
        var isClockTrusted = limits.KnowsLaterPeriods && await services.TrustedNowAsync() is not null;
        var now = services.Clock.GetUtcNow();
        var isDone = await row.ChangeInBackgroundAsync(
            state => need == LimitNeed.Claim ? limits.Claim(state, now, isClockTrusted) : limits.Reserve(state, now, isClockTrusted));
        limits.WorkEnded(isDone);
        return isDone;
    }
}
