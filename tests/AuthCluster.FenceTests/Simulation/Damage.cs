namespace AuthCluster.FenceTests.Simulation;

/// <summary>What single faults do, and how each of them ends.</summary>
internal sealed class Damage(World world)
{
    private const int MostSilos = 6;

    private readonly SimRandom _random = world.Random;

    // Some places are left for silos that replace those that have gone when the faults end.
    private bool HasRoom => world.LivingSilos() < MostSilos && (world.Faults.AreOver || world.Silos.Count < World.MaxSilos - 6);

    public SimFrontEnd AnyFrontEnd() => world.FrontEnds[_random.Below(World.FrontEndCount)];

    public void StartAnother(SimEndpoint? at = null)
    {
        if (HasRoom)
        {
            world.StartSilo(at)?.Start();
        }
    }

    public void CrashAndReplace(SimSilo silo, TimeSpan after)
    {
        silo.Crash(_random.Chance(0.6));
        Replace(silo, after);
    }

    public void StopAndReplace(SimSilo silo, TimeSpan after)
    {
        silo.StopInOrder();
        Replace(silo, after);
    }

    public void DeclareDeadSoon(SimSilo silo, double probability)
    {
        if (_random.Chance(probability) && world.AnySilo() is { } other && other != silo)
        {
            world.Post(null, _random.Seconds(0.001, 0.4), (world.Database.Table, other, silo), static call => call.Table.DeclareDead(call.other, call.silo));
        }
    }

    public void CutOffFromDatabase(SimSilo silo, TimeSpan length)
    {
        silo.Reach = _random.Chance(0.45) ? Reach.Refused : Reach.Hanging;
        world.Trace?.Invoke($"{silo} is cut off from the database ({silo.Reach}) for {length.TotalSeconds:0.000} s");
        world.Post(null, length, silo, static silo => silo.Reach = Reach.Open);
    }

    public void CutLink(SimSilo from, SimSilo to, TimeSpan length, bool bothWays)
    {
        CutOneWay(from.Process, to.Process, length);
        if (bothWays)
        {
            CutOneWay(to.Process, from.Process, length);
        }
    }

    public void CutFrontEnd(SimSilo silo, SimFrontEnd frontEnd)
    {
        var (from, to) = _random.Chance(0.5) ? (silo.Process, frontEnd.Process) : (frontEnd.Process, silo.Process);
        CutOneWay(from, to, _random.Seconds(0.3, 3));
    }

    /// <summary>Cuts most silos off from the database, perhaps from the rest too; others start beside them and can't talk to them.</summary>
    public void CutOffGroup()
    {
        world.Coverage.Groups++;
        var length = _random.Seconds(1.5, 11);
        var group = world.Silos.FindAll(silo => silo.Process.IsAlive && (_random.Chance(0.8) || world.LivingSilos() < 3));
        var (isApart, isOneWay) = (_random.Chance(0.7), _random.Chance(0.3));
        foreach (var silo in group)
        {
            CutOffFromDatabase(silo, length);
        }

        var rest = world.Silos.FindAll(silo => silo.Process.IsAlive && !group.Contains(silo));
        var newcomers = _random.Chance(0.75) ? 1 + _random.Below(2) : 0;
        for (var i = 0; i < newcomers && HasRoom; i++)
        {
            var started = world.StartSilo()!;
            started.Start();
            rest.Add(started);
        }

        foreach (var outside in rest)
        {
            foreach (var inside in group)
            {
                if (isApart && _random.Chance(0.9))
                {
                    CutOneWay(outside.Process, inside.Process, length * _random.Between(0.5, 1.2));
                    if (!isOneWay)
                    {
                        CutOneWay(inside.Process, outside.Process, length * _random.Between(0.5, 1.2));
                    }
                }
            }
        }
    }

    /// <summary>Takes that a process has ended: its host may come up later, and an operator may vouch for the end.</summary>
    public void Ended(SimSilo silo)
    {
        if (_random.Chance(0.3))
        {
            world.Post(null, _random.Seconds(0.5, 10), silo.Endpoint, static endpoint => endpoint.IsHostUp = true);
        }

        if (_random.Chance(0.15))
        {
            var wait = world.Mistake == Mistake.EndedAtOnceByOperator ? TimeSpan.Zero : SimTimes.Sound.EndProofDelay;
            world.Post(null, wait + _random.Seconds(0.001, 4), (this, silo, tries: 60), static call => call.Item1.Vouch(call.silo, call.tries));
        }
    }

    private void Replace(SimSilo silo, TimeSpan after) =>
        world.Post(null, after, (this, at: _random.Chance(0.6) ? silo.Endpoint : null), static call => call.Item1.StartAnother(call.at));

    private void CutOneWay(SimProcess from, SimProcess to, TimeSpan length)
    {
        if (from != to)
        {
            world.Trace?.Invoke($"the link from {from.Name} to {to.Name} is cut for {length.TotalSeconds:0.000} s");
            world.Network.Cut(from, to);
            world.Post(null, length, (world.Network, from, to), static call => call.Network.Heal(call.from, call.to));
        }
    }

    private void Vouch(SimSilo silo, int tries)
    {
        if (!world.Database.IsDown && world.Database.Table.IsDead(silo))
        {
            world.Database.Table.SetEnded(silo, EndedBy.Operator);
        }
        else if (tries > 0)
        {
            world.Post(null, TimeSpan.FromSeconds(0.3), (this, silo, tries: tries - 1), static call => call.Item1.Vouch(call.silo, call.tries));
        }
    }
}
