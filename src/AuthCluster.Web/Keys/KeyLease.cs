using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;

namespace AuthCluster.Web.Keys;

/// <summary>The keys that a front end without a silo has borrowed, and until when it may use them.</summary>
/// <remarks>
/// A silo that changes the keys answers only after the leases of the older ones have run out. So a lease counts from before it was asked for,
/// on the monotonic clock: it ends here before it ends for the silo that granted it.
/// </remarks>
/// <param name="keys">Gets the borrowed keys.</param>
/// <param name="clock">The clock.</param>
public sealed class KeyLease(KeyRing keys, TimeProvider clock) : ISigningRight
{
    private const long Never = long.MinValue;

    // A timestamp of the clock.
    private long _end = Never;
    private long _askedLast = Never;
    private TaskCompletionSource _renewed = NewSignal();

    /// <inheritdoc/>
    public bool Holds => clock.GetTimestamp() < Volatile.Read(ref _end);

    /// <summary>Whether the lease lasts longer than a time from now.</summary>
    public bool HoldsFor(TimeSpan time) => clock.GetTimestamp() + TicksOf(time) < Volatile.Read(ref _end);

    /// <summary>Takes what a silo has lent. Not for several threads at once.</summary>
    /// <param name="answer">The keys, if it lent any.</param>
    /// <param name="asked">When it was asked, a timestamp of the clock from before the call.</param>
    /// <exception cref="CryptographicException">A key can't be unwrapped, or none is active.</exception>
    public void Renew(KeyLeaseAnswer answer, long asked)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (answer.Snapshot is not { } snapshot)
        {
            return;
        }

        var end = asked + TicksOf(answer.Lease);
        if (keys.IsCurrent(snapshot))
        {
            end = Math.Max(end, Volatile.Read(ref _end));
        }
        else if (asked < _askedLast)
        {
            // A late answer: what came by a later question is at least as new.
            return;
        }
        else
        {
            // The time that is left was granted for other keys.
            Volatile.Write(ref _end, Never);
            keys.Update(snapshot);
        }

        _askedLast = Math.Max(asked, _askedLast);
        Volatile.Write(ref _end, end);
        if (Holds)
        {
            Interlocked.Exchange(ref _renewed, NewSignal()).SetResult();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> WaitAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        while (true)
        {
            // Take the signal before the look, so that a renewal in between is not missed.
            var renewed = Volatile.Read(ref _renewed).Task;
            if (Holds)
            {
                return true;
            }

            var left = within - clock.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            try
            {
                await renewed.WaitAsync(left, clock, cancellationToken);
            }
            catch (TimeoutException)
            {
                return Holds;
            }
        }
    }

    private long TicksOf(TimeSpan time) => (long)(time.TotalSeconds * clock.TimestampFrequency);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
