using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>One reading of the membership, under way.</summary>
internal sealed class Reading(SimSilo silo, TimeSpan began, SimFencing? write)
{
    public SimSilo Silo => silo;

    /// <summary>When it began, on the silo's clock.</summary>
    public TimeSpan Began => began;

    /// <summary>The write that waits for it; null for a periodic reading.</summary>
    public SimFencing? Write => write;

    public bool IsDone { get; set; }
}

/// <summary>Reads the membership for a silo, and tells its mandate what came of it.</summary>
internal sealed class SimReader(World world, SimSilo silo)
{
    private readonly Mandate _mandate = silo.Mandate;

    public void ReadPeriodically()
    {
        Read(null);
        silo.Process.After(SimTimes.Sound.ReadEvery, this, static reader => reader.ReadPeriodically());
    }

    public void Read(SimFencing? write)
    {
        var reading = new Reading(silo, silo.Now, write);
        if (world.Database.Refuses(silo))
        {
            world.Post(silo.Process, TimeSpan.FromSeconds(0.001), reading, static reading => reading.Silo.Reader.Fail(reading));
            return;
        }

        world.Database.Read(reading);
        silo.Process.After(SimTimes.Sound.ReadTimeout, reading, static reading => reading.Silo.Reader.Fail(reading));
    }

    public void OnRead(Reading reading, TableSnapshot table, TimeSpan databaseNow)
    {
        world.Faults.Strike(silo);
        reading.IsDone = true;
        var view = ViewOf(world.Mistake == Mistake.MandateFromTheReturn ? silo.Now : reading.Began, table, databaseNow);
        _mandate.ReadReturned(AsTheMandateSees(view));
        silo.OnMandateChanged();
        reading.Write?.OnRead(view);
    }

    /// <summary>What a founder of the cluster knows when a run begins.</summary>
    public void BeginAsFounder() => _mandate.ReadReturned(ViewOf(silo.Now, world.Database.Table.Snapshot, world.Database.Now));

    private void Fail(Reading reading)
    {
        if (reading.IsDone)
        {
            return;
        }

        reading.IsDone = true;
        world.Coverage.FailedReads++;
        var isHidden = world.Mistake switch
        {
            Mistake.NoOutageRule => true,
            Mistake.OutageAsAMode => reading.Began < _mandate.End,
            _ => false,
        };
        if (!isHidden)
        {
            _mandate.ReadFailed(reading.Began);
        }

        if (_mandate.LastGood is { } good && reading.Began > good.Began && silo.IsServing)
        {
            silo.Peers.Ask();
        }

        reading.Write?.OnReadFailed();
    }

    private Membership ViewOf(TimeSpan began, TableSnapshot table, TimeSpan databaseNow)
    {
        var silos = new SiloEntry[table.Rows.Length];
        for (var i = 0; i < silos.Length; i++)
        {
            var (entry, diedAt) = table.Rows[i];
            silos[i] = entry.Standing == SiloStanding.Dead ? entry with { DeadFor = databaseNow - diedAt } : entry;
        }

        return new Membership(began, silo.Now, table.LongestGrace, silos);
    }

    /// <summary>The view itself, but for a silo that does not want to see where it stands.</summary>
    private Membership AsTheMandateSees(Membership view)
    {
        var hidden = world.Mistake switch
        {
            Mistake.OwnDeathIgnored => SiloStanding.Dead,
            Mistake.JoiningSilosDecide => SiloStanding.Joining,
            _ => SiloStanding.Active,
        };
        return hidden == SiloStanding.Active || view.Find(silo.Process.Name)?.Standing != hidden
            ? view
            : new Membership(view.Began, view.Returned, view.LongestGrace, view.Silos.Select(entry =>
                entry.Silo == silo.Process.Name ? entry with { Standing = SiloStanding.Active, DeadFor = TimeSpan.Zero } : entry));
    }
}
