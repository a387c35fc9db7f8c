using System.Runtime.CompilerServices;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>The events to come: the next one first, and those of one moment in the order in which they were added (a binary heap).</summary>
internal sealed class EventQueue
{
    private Entry[] _heap = new Entry[256];
    private int _count;
    private long _added;

    public void Add(SimEvent added, TimeSpan at)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, 2 * _count);
        }

        var entry = new Entry(at, _added++, added);
        var place = _count++;
        while (place > 0 && entry.IsBefore(_heap[(place - 1) / 2]))
        {
            _heap[place] = _heap[(place - 1) / 2];
            place = (place - 1) / 2;
        }

        _heap[place] = entry;
    }

    /// <summary>Takes the first event; null when there is none.</summary>
    public SimEvent? Take(out TimeSpan at)
    {
        var first = _heap[0];
        at = first.At;
        if (_count == 0)
        {
            return null;
        }

        var last = _heap[--_count];
        var place = 0;
        while ((2 * place) + 1 < _count)
        {
            var child = (2 * place) + 1;
            if (child + 1 < _count && _heap[child + 1].IsBefore(_heap[child]))
            {
                child++;
            }

            if (last.IsBefore(_heap[child]))
            {
                break;
            }

            _heap[place] = _heap[child];
            place = child;
        }

        _heap[place] = last;
        return first.Event;
    }

    private readonly record struct Entry(TimeSpan At, long Number, SimEvent Event)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool IsBefore(in Entry other) => At < other.At || (At == other.At && Number < other.Number);
    }
}
