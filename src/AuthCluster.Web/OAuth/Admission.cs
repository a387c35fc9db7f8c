namespace AuthCluster.Web.OAuth;

/// <summary>A slot among the requests that are worked on.</summary>
/// <param name="Generation">The generation in which it was taken.</param>
public readonly record struct AdmissionSlot(long Generation);

/// <summary>
/// Bounds how many requests are worked on at once, so that past the machine's capacity the excess gets a quick
/// 503 and the rest is served in time.
/// </summary>
/// <remarks>
/// A request that holds its slot for long although the processors are free waits for a silo that hangs or died, or for
/// storage. Such requests count against a larger bound, which bounds the memory, so that they don't keep out requests of clients that are on
/// other silos. Slots are counted by when they were taken, in generations of a quarter second, so that no request has to report that it
/// waits.
/// </remarks>
/// <param name="clock">The clock.</param>
/// <param name="isBusy">Whether work waits for processors.</param>
public sealed class Admission(TimeProvider clock, Func<bool> isBusy)
{
    // At 20,000 requests a second this is a tenth of a second of work: a longer queue would only delay every answer.
    private const int MaxWorking = 2_000;

    // Room for the requests that a hung silo gets until it is declared dead: 4.3 s of some 4,600 requests a second.
    private const int MaxWaiting = 20_000;

    // When processors are short, at least one in ten of the admitted requests waits for one.
    private const int MinQueueOfBusyProcessors = MaxWorking / 10;

    private static readonly TimeSpan Generation = TimeSpan.FromMilliseconds(250);

    // When a silo is declared dead, all requests that waited for it are worked on at once, which is soon over.
    private static readonly TimeSpan MaxRush = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _began = clock.GetTimestamp();
    private long _generation;
    private int _present;
    private int _previous;
    private int _older;
    private long? _busySince;

    /// <summary>The admission of this process.</summary>
    public Admission(TimeProvider clock)
        : this(clock, static () => ThreadPool.PendingWorkItemCount >= MinQueueOfBusyProcessors)
    {
    }

    /// <summary>Takes a slot; false when saturated. <see cref="Leave"/> must give the slot back.</summary>
    public bool TryEnter(out AdmissionSlot slot)
    {
        lock (_lock)
        {
            MoveOn();
            slot = new AdmissionSlot(_generation);
            var young = _present + _previous;
            _busySince = _older > 0 ? _busySince : null;
            if (young >= MaxWorking || (_older > 0 && IsSaturatedByOlder(young)))
            {
                return false;
            }

            _present++;
            return true;
        }
    }

    /// <summary>Gives a slot back.</summary>
    public void Leave(AdmissionSlot slot)
    {
        lock (_lock)
        {
            switch (_generation - slot.Generation)
            {
                case 0:
                    _present--;
                    break;
                case 1:
                    _previous--;
                    break;
                default:
                    _older--;
                    break;
            }
        }
    }

    private bool IsSaturatedByOlder(int young)
    {
        if (young + _older < MaxWorking || !isBusy())
        {
            _busySince = null;
        }
        else
        {
            _busySince ??= clock.GetTimestamp();
        }

        return _older >= MaxWaiting || (_busySince is { } since && clock.GetElapsedTime(since) >= MaxRush);
    }

    private void MoveOn()
    {
        var passed = clock.GetElapsedTime(_began);
        if (passed < Generation)
        {
            return;
        }

        // When two generations or more have passed, no request is of the previous one.
        var isNext = passed < 2 * Generation;
        _older += isNext ? _previous : _previous + _present;
        _previous = isNext ? _present : 0;
        _present = 0;
        _generation += isNext ? 1 : 2;
        _began = clock.GetTimestamp();
    }
}
