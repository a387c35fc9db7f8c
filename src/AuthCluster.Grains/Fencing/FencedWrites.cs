using AuthCluster.Contracts.Keys;
using AuthCluster.Fence;

namespace AuthCluster.Grains.Fencing;

/// <summary>Waits until a stored write holds on every silo: see <see cref="FencedWrites.ConfirmAsync"/>.</summary>
internal delegate Task<FenceAnswer> ConfirmWrite(string key, long version, WriteKind kind, TimeSpan within, TimeSpan spent);

/// <summary>Makes a stored write hold on every silo, and says where it does.</summary>
/// <remarks>
/// Runs the rules of <see cref="FencedWrite"/>: reads the membership, asks the silos to void older versions, and waits for leases and
/// proofs. To be called from one grain's turn, which its continuations return to.
/// </remarks>
internal sealed class FencedWrites(
    SiloRights rights, FreshReadings readings, VoidOnSilo voidOnSilo, PendingVoids pending, IKeyLoader keys, FenceMetrics metrics)
{
    /// <summary>How long a write waits at most until it is answered.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(8);

    // For an attempt of a front end that does not say how long it waits.
    private static readonly TimeSpan Unsaid = TimeSpan.FromSeconds(2.5);

    // Every silo is asked once, also when the write itself took all of the time.
    private static readonly TimeSpan MinWait = TimeSpan.FromMilliseconds(300);

    /// <summary>The clock of its waits: other silos answer in real time, whatever clock this one decides by.</summary>
    public TimeProvider WaitsBy { get; init; } = TimeProvider.System;

    /// <summary>Waits until a write holds everywhere, or until it must be answered.</summary>
    /// <param name="key">What was written: a client's grain key, or the keys.</param>
    /// <param name="version">The version that the write made.</param>
    /// <param name="kind">What it is for.</param>
    /// <param name="within">How long the caller waits for the answer; zero when it does not say.</param>
    /// <param name="spent">How much of that has passed.</param>
    public async Task<FenceAnswer> ConfirmAsync(string key, long version, WriteKind kind, TimeSpan within, TimeSpan spent)
    {
        var began = rights.Now;
        var waits = within <= TimeSpan.Zero ? Unsaid : within < MaxWait ? within : MaxWait;
        var deadline = began + (waits - spent > MinWait ? waits - spent : MinWait);
        var write = new FencedWrite(rights.Mandate.Self, kind, deadline, rights.Times);
        var left = rights.Fence.Void(key, version, began);
        write.Acknowledged(rights.Mandate.Self, left, began);
        if (key == IKeyRingGrain.Key)
        {
            keys.LoadSoon();
        }

        var answer = await FollowAsync(write, key, version, deadline);
        if (kind == WriteKind.Change)
        {
            metrics.Answered(answer.Outcome, rights.Now - began);
            if (answer.Outcome == FenceOutcome.NotEverywhere)
            {
                pending.Add(key, version, write.Unacknowledged.Where(silo => readings.Newest!.IsActive(silo)));
                foreach (var dead in answer.Unconfirmed.Where(silo => silo.For is not null))
                {
                    pending.NoteDead(dead.Silo, dead.For!.Value);
                }
            }
        }

        return answer;
    }

    private async Task<FenceAnswer> FollowAsync(FencedWrite write, string key, long version, TimeSpan deadline)
    {
        // Ask the silos that are known already while the membership is read: an acknowledgement counts from when the write was stored.
        var calls = new Dictionary<string, Task>(StringComparer.Ordinal);
        foreach (var silo in (readings.Newest?.Active ?? []).Where(silo => silo != rights.Mandate.Self))
        {
            calls[silo] = AskAsync(write, silo, key, version);
        }

        var step = await BeginAsync(write, deadline);
        while (step.Answer is null)
        {
            foreach (var silo in step.Void)
            {
                if (!calls.TryGetValue(silo, out var call) || call.IsCompleted)
                {
                    calls[silo] = AskAsync(write, silo, key, version);
                }
            }

            await WaitAsync(write, calls, step.LookAfter!.Value);
            step = write.Look(readings.Newest!, rights.Now);
        }

        return step.Answer;
    }

    private async Task<WriteStep> BeginAsync(FencedWrite write, TimeSpan deadline)
    {
        while (true)
        {
            if (await ReadUntilAsync(deadline) is { } fresh)
            {
                return write.ReadReturned(fresh, rights.Now);
            }

            var step = write.ReadFailed(rights.Now);
            if (step.Answer is not null)
            {
                return step;
            }

            await Task.Delay(step.LookAfter!.Value, WaitsBy);
        }
    }

    /// <returns>Null when there is no reading by then; it goes on, for whoever shares it.</returns>
    private async Task<Membership?> ReadUntilAsync(TimeSpan deadline)
    {
        var left = deadline - rights.Now;
        try
        {
            return await readings.ReadAsync().WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, WaitsBy);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task AskAsync(FencedWrite write, string silo, string key, long version)
    {
        if (await voidOnSilo(silo, key, version) is { } leaseLeft)
        {
            write.Acknowledged(silo, leaseLeft, rights.Now);
        }
    }

    /// <summary>Waits until it is time to look again: at once when the last silo has acknowledged.</summary>
    private async Task WaitAsync(FencedWrite write, Dictionary<string, Task> calls, TimeSpan lookAfter)
    {
        var wasAcknowledged = write.IsAcknowledged;
        // A delay drops what is less than a millisecond, and the looks would follow each other without a pause for that long.
        var look = Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(lookAfter.TotalMilliseconds)), WaitsBy);
        while (!look.IsCompleted && (wasAcknowledged || !write.IsAcknowledged))
        {
            await Task.WhenAny([look, .. calls.Values.Where(call => !call.IsCompleted)]);
        }
    }
}
