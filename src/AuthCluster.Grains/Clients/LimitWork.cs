using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Limits;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// The writes of the row that a client's limits need: claims of the rate limit and reservations of quota blocks. At most one runs at a
/// time, and all decisions that need a write wait for the same one.
/// </summary>
internal sealed class LimitWork(IGrainBase grain, ClientRow row, ClientLimits limits, ClientGrainServices services)
{
    private static readonly TimeSpan ReserveAheadAgainAfter = TimeSpan.FromSeconds(10);

    private Task<bool> _underWay = Task.FromResult(true);
    private IGrainTimer? _nextPeriod;
    private DateTimeOffset _nextPeriodAwaited;

    /// <summary>Whether a write is running.</summary>
    public bool IsUnderWay => !_underWay.IsCompleted;

    /// <summary>Starts the write that the limits need, or joins the one that is running.</summary>
    /// <returns>The write; its result is false when it failed.</returns>
    public Task<bool> Start(LimitNeed need) =>
        need == LimitNeed.None || IsUnderWay ? _underWay : _underWay = WriteAsync(need);

    /// <summary>
    /// Schedules the reservation of the first block of the quota's next period, so that it is there when the period begins even if nobody asks
    /// shortly before. Each client has its own moment, so that not all clients write when a period begins.
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
                    // A clock that is set back can make a block due at the same time again.
                    _nextPeriod?.Dispose();
                    _nextPeriodAwaited = default;
                }

                return Task.CompletedTask;
            },
            new GrainTimerCreationOptions(at > now ? at - now : TimeSpan.Zero, ReserveAheadAgainAfter) { Interleave = true });
    }

    private async Task<bool> WriteAsync(LimitNeed need)
    {
        var isDone = false;
        try
        {
            // The trusted time may cost a read, so ask for it only when there are later periods to forget.
            var isClockTrusted = limits.KnowsLaterPeriods && await services.TrustedNowAsync() is not null;
            var now = services.Clock.GetUtcNow();
            var version = await row.ChangeInBackgroundAsync(
                state => need == LimitNeed.Claim ? limits.Claim(state, now, isClockTrusted) : limits.Reserve(state, now, isClockTrusted));
            isDone = version is not null && (need != LimitNeed.Claim || await ConfirmAsync(version.Value));
            return isDone;
        }
        finally
        {
            // Also after a fault: the next calls are refused for a moment, rather than begin one write each.
            limits.WorkEnded(isDone);
        }
    }

    /// <summary>
    /// Waits until no other activation can spend from the bucket any more: each silo has acknowledged the claim, and those that died have
    /// lost their right to spend.
    /// </summary>
    private async Task<bool> ConfirmAsync(long version)
    {
        var held = await services.ConfirmWrite(row.Key, version, WriteKind.Claim, FencedWrites.MaxWait, TimeSpan.Zero);
        return held.Outcome == FenceOutcome.Everywhere && limits.ClaimConfirmed();
    }
}
