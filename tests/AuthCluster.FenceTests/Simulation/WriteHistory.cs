namespace AuthCluster.FenceTests.Simulation;

/// <summary>The writes of a run in the order in which they were stored: whether one that was acknowledged is lost (I2).</summary>
internal sealed class WriteHistory(World world)
{
    private readonly List<SimWrite>[] _answered = [[], []];
    private readonly List<(int After, int UpTo)>[] _overwritten = [[], []];

    /// <summary>Takes a write that is stored.</summary>
    /// <param name="write">The write.</param>
    /// <param name="known">The number of the state from which it was made.</param>
    /// <param name="replaced">The number of the state in whose place it is stored.</param>
    /// <param name="commit">Its own number.</param>
    public void Committed(SimWrite write, int known, int replaced, int commit)
    {
        var answered = _answered[write.Client];
        if (known != replaced)
        {
            _overwritten[write.Client].Add((known, replaced));
            foreach (var earlier in answered)
            {
                if (earlier.Commit > known && earlier.Commit <= replaced)
                {
                    world.Judge.Break(Invariant.AcknowledgedWriteIsKept, $"{earlier} was answered, and is overwritten by {write}, made from commit {known}");
                }
            }
        }

        if (write.IsClaim || write.Answer == WriteAnswer.None)
        {
            return;
        }

        foreach (var later in answered)
        {
            if (!later.IsClaim && later.BeganAt > write.AnsweredAt && later.Commit < commit)
            {
                world.Judge.Break(Invariant.AcknowledgedWriteIsKept, $"{write} was answered {write.Answer} before {later} began, and is stored after it");
            }
        }
    }

    public void Acknowledged(SimWrite write)
    {
        if (write.Commit == 0)
        {
            world.Judge.Break(Invariant.AcknowledgedWriteIsKept, $"{write} is answered, and is not stored");
        }

        foreach (var (after, upTo) in _overwritten[write.Client])
        {
            if (write.Commit > after && write.Commit <= upTo)
            {
                world.Judge.Break(Invariant.AcknowledgedWriteIsKept, $"{write} is answered, and had been overwritten");
            }
        }

        _answered[write.Client].Add(write);
        if (write.IsClaim)
        {
            return;
        }

        foreach (var earlier in world.Administrator.WritesOf(write.Client))
        {
            if (earlier.Answer != WriteAnswer.None && earlier.StoredAs > write.Commit && earlier.AnsweredAt < write.BeganAt)
            {
                world.Judge.Break(Invariant.AcknowledgedWriteIsKept, $"{earlier} was answered before {write} began, and is stored after it");
            }
        }
    }
}
