namespace AuthCluster.Web.Cluster;

/// <summary>A place among the requests that are worked on.</summary>
/// <param name="Generation">When it was taken.</param>
public readonly record struct Place(long Generation);

/// <summary>
/// Bounds how many requests are worked on at once, so that past the machine's capacity the excess gets a quick
/// 503 and the rest is served in time.
/// </summary>
/// <remarks>
/// A request that is inside for long although the processors are free waits for somebody else: for a silo that hangs or
/// died, or for storage. It takes no place from those whose clients live elsewhere, but one of a larger number,
/// which bounds the memory. Places are counted by when they were taken, in generations of a quarter second, so that
/// no request has to be told that it waits.
/// </remarks>
/// <param name="clock">The clock.</param>
/// <param name="isBusy">Whether work waits for processors.</param>
public sealed class Admission(TimeProvider clock, Func<bool> isBusy)
{
    // At 20,000 requests a second this is a tenth of a second of work: more waiting helps nobody.
    private const int Most = 2_000;

    // The clients of a hung silo until it is declared dead, 4.3 s, at some 4,600 requests a second.
    private const int MostWaiting = 20_000;

    // Of all who are inside, at least one in ten waits for a processor when those are what is short.
    private const int QueueOfBusyProcessors = Most / 10;

    private static readonly TimeSpan Generation = TimeSpan.FromMilliseconds(250);

    // When the silo that they wait for is declared dead, all who wait are worked on at once; that is soon over.
    private static readonly TimeSpan LongestRush = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _began = clock.GetTimestamp();
    private long _generation;
    private int _present;
    private int _previous;
    private int _older;
    private long? _busySince;

    /// <summary>The admission of this process.</summary>
    public Admission(TimeProvider clock)
        : this(clock, static () => ThreadPool.PendingWorkItemCount >= QueueOfBusyProcessors)
    {
    }

    /// <summary>Enters unless the house is full. Who entered must leave.</summary>
    public bool TryEnter(out Place place)
    {
        lock (_lock)
        {
            MoveOn();
            place = new Place(_generation);
            var young = _present + _previous;
            _busySince = _older > 0 ? _busySince : null;
            if (young >= Most || (_older > 0 && IsFullOfOlder(young)))
            {
                return false;
            }

            _present++;
            return true;
        }
    }

    /// <summary>Leaves.</summary>
    public void Leave(Place place)
    {
        lock (_lock)
        {
            switch (_generation - place.Generation)
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

    private bool IsFullOfOlder(int young)
    {
        if (young + _older < Most || !isBusy())
        {
            _busySince = null;
        }
        else
        {
            _busySince ??= clock.GetTimestamp();
        }

        return _older >= MostWaiting || (_busySince is { } since && clock.GetElapsedTime(since) >= LongestRush);
    }

    private void MoveOn()
    {
        var passed = clock.GetElapsedTime(_began);
        if (passed < Generation)
        {
            return;
        }

        // After a pause of more than one generation nobody is of the previous one.
        var isNext = passed < 2 * Generation;
        _older += isNext ? _previous : _previous + _present;
        _previous = isNext ? _present : 0;
        _present = 0;
        _generation += isNext ? 1 : 2;
        _began = clock.GetTimestamp();
    }
}
