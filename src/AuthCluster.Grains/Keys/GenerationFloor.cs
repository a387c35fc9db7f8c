namespace AuthCluster.Grains.Keys;

/// <summary>The cluster-wide part of every token generation, in the memory of a silo. It never falls.</summary>
internal sealed class GenerationFloor
{
    private long _value;

    /// <summary>The floor; 0 before storage was read.</summary>
    public long Value => Volatile.Read(ref _value);

    /// <summary>Raises the floor to what storage holds.</summary>
    /// <returns>False when the given floor is lower than the present one, as after a restored backup.</returns>
    public bool TryRaise(long floor)
    {
        long held;
        do
        {
            held = Volatile.Read(ref _value);
            if (floor < held)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref _value, floor, held) != held);

        return true;
    }
}
