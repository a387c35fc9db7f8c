using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>Who or what proved that a dead silo has ended.</summary>
internal enum EndedBy
{
    OrderlyStop,
    OwnDeath,
    Successor,
    RefusedConnection,
    Operator,

    /// <summary>Nothing proved it, but it has been dead for so long that it does not decide any more; its row is cleared.</summary>
    Age,
}

/// <summary>What a call of the database found in the table of the silos.</summary>
/// <param name="Rows">The silos that live, and the dead ones whose end is not proven, with the stamps of their deaths.</param>
/// <param name="LongestGrace">The longest outage grace among them.</param>
internal sealed record TableSnapshot((SiloEntry Entry, TimeSpan DiedAt)[] Rows, TimeSpan LongestGrace);

/// <summary>The table of the silos. The database stamps each death by its own clock; readers see it a little later.</summary>
internal sealed class MembershipTable(World world)
{
    private static readonly TimeSpan StampLag = SimTimes.Sound.Margin * 0.67;

    private readonly List<SiloRow> _rows = [];
    private TableSnapshot? _snapshot;

    /// <summary>The table as it is now.</summary>
    public TableSnapshot Snapshot => _snapshot ??= Take();

    public bool IsActive(SimSilo silo) => Find(silo) is { Standing: SiloStanding.Active };

    public bool IsDead(SimSilo silo) => Find(silo) is { Standing: SiloStanding.Dead };

    public void Found(SimSilo silo) => Change(Add(silo), SiloStanding.Active);

    public void Join(SimSilo silo)
    {
        if (Find(silo) is null)
        {
            Change(Add(silo), SiloStanding.Joining);
        }
    }

    public void Activate(SimSilo silo)
    {
        if (Find(silo) is { Standing: SiloStanding.Joining, IsDying: false } row)
        {
            Change(row, SiloStanding.Active);
        }
    }

    /// <summary>Stamps a death, which readers see as soon as it is committed.</summary>
    public void DeclareDead(SimSilo by, SimSilo dead)
    {
        if (Find(dead) is { IsDying: false, Standing: not SiloStanding.Dead } row && !IsDead(by))
        {
            row.IsDying = true;
            row.DiedAt = world.Database.Now;
            world.Post(null, world.Random.Seconds(0, StampLag.TotalSeconds), (this, row), static call => call.Item1.CommitDeath(call.row));
        }
    }

    public void SetEnded(SimSilo dead, EndedBy proof)
    {
        if (Find(dead) is { Standing: SiloStanding.Dead, IsEnded: false } row)
        {
            End(row, proof);
        }
    }

    public void Leave(SimSilo silo)
    {
        if (Find(silo) is not { IsEnded: false } row)
        {
            return;
        }

        if (!row.IsDying)
        {
            row.IsDying = true;
            row.DiedAt = world.Database.Now;
        }

        Change(row, SiloStanding.Dead);
        End(row, EndedBy.OrderlyStop);
    }

    /// <summary>Clears the rows of silos that have been dead for longer than any of them may decide.</summary>
    public void ClearOld()
    {
        var longest = SimTimes.Sound.DecidesAfterDeath(Snapshot.LongestGrace);
        foreach (var row in _rows)
        {
            if (row is { Standing: SiloStanding.Dead, IsEnded: false } && world.Database.Now - row.DiedAt > longest)
            {
                End(row, EndedBy.Age);
            }
        }
    }

    private SiloRow Add(SimSilo silo)
    {
        var row = new SiloRow(silo);
        _rows.Add(row);
        return row;
    }

    private SiloRow? Find(SimSilo silo)
    {
        foreach (var row in _rows)
        {
            if (row.Silo == silo)
            {
                return row;
            }
        }

        return null;
    }

    private void CommitDeath(SiloRow row)
    {
        if (row.Standing != SiloStanding.Dead)
        {
            Change(row, SiloStanding.Dead);
        }
    }

    private void Change(SiloRow row, SiloStanding standing)
    {
        row.Standing = standing;
        _snapshot = null;
        world.Trace?.Invoke($"table: {row.Silo} is {standing}");
    }

    private void End(SiloRow row, EndedBy proof)
    {
        row.IsEnded = true;
        _snapshot = null;
        world.Coverage.Ended[(int)proof]++;
        world.Trace?.Invoke($"table: {row.Silo} has ended ({proof})");
    }

    private TableSnapshot Take()
    {
        var rows = new List<(SiloEntry, TimeSpan)>(_rows.Count);
        var grace = TimeSpan.Zero;
        foreach (var row in _rows)
        {
            if (!row.IsEnded)
            {
                rows.Add((new SiloEntry(row.Silo.Process.Name, row.Silo.Endpoint.Name, row.Standing, TimeSpan.Zero), row.DiedAt));
                grace = row.Silo.Grace > grace ? row.Silo.Grace : grace;
            }
        }

        return new TableSnapshot([.. rows], grace);
    }

    private sealed class SiloRow(SimSilo silo)
    {
        public SimSilo Silo => silo;

        public SiloStanding Standing { get; set; }

        public bool IsDying { get; set; }

        public bool IsEnded { get; set; }

        public TimeSpan DiedAt { get; set; }
    }
}
