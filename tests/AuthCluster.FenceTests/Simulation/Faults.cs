namespace AuthCluster.FenceTests.Simulation;

/// <summary>What goes wrong in a run, and when. After some seconds all of it ends.</summary>
internal sealed class Faults(World world)
{
    private const int MostSilos = 6;

    private readonly SimRandom _random = world.Random;
    private double _strikes;

    /// <summary>Whether the faults are over, so that the rest of the run must come to a sound end.</summary>
    public bool AreOver { get; private set; }

    private bool IsFocused => world.Mix == Mix.Focused;

    // Late in a run some places are left for silos that replace those that have gone.
    private bool HasRoom => world.LivingSilos() < MostSilos && (AreOver || world.Silos.Count < World.MaxSilos - 6);

    public void Start()
    {
        _strikes = IsFocused ? (_random.Chance(0.5) ? 0 : 0.004) : _random.Chance(0.5) ? _random.Between(0, 0.01) : _random.Between(0, 0.04);
        world.Network.Slowness = _random.Chance(0.4) ? _random.Between(0, IsFocused ? 0.2 : 0.05) : 0;
        world.Database.Queueing = IsFocused && _random.Chance(0.4) ? _random.Between(0, 0.5) : 0;
        world.Network.Loss = !IsFocused && _random.Chance(0.3) ? _random.Between(0, 0.05) : 0;

        world.Post(null, _random.Seconds(0.3, 1.5), this, static faults => faults.Work());
        world.Post(null, IsFocused ? _random.Seconds(3, 9) : _random.Seconds(4, 12), this, static faults => faults.End());
    }

    /// <summary>May stop or end a process, or cut it off, just when it has an effect.</summary>
    /// <param name="silo">The silo that has the effect; null when it is a front end.</param>
    public void Strike(SimSilo? silo)
    {
        if (AreOver || _strikes == 0 || !_random.Chance(_strikes))
        {
            return;
        }

        var struck = silo ?? world.AnySilo();
        if (struck is null || world.AnySilo() is not { } other)
        {
            return;
        }

        switch (_random.Fraction())
        {
            case < 0.34:
                struck.Process.Pause(_random.Chance(0.7) ? _random.Seconds(0.05, 1.6) : _random.Seconds(1, 6));
                break;
            case < 0.42:
                other.Process.Pause(_random.Seconds(0.1, 3));
                break;
            case < 0.55:
                CrashAndReplace(_random.Chance(0.6) ? struck : other, _random.Seconds(0.1, 2));
                break;
            case < 0.57:
                StopAndReplace(other, _random.Seconds(0.3, 2.5));
                break;
            case < 0.70 when other != struck:
                world.Database.DeclareDead(other, struck);
                break;
            case < 0.78:
                StartAnother();
                break;
            case < 0.90:
                CutOffFromDatabase(struck, _random.Seconds(0.2, 4));
                break;
            default:
                CutLink(struck, other, _random.Seconds(0.2, 4));
                break;
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

    private void Work()
    {
        if (AreOver)
        {
            return;
        }

        world.Post(null, IsFocused ? _random.Seconds(0.2, 1.6) : _random.Seconds(0.1, 1.3), this, static faults => faults.Work());
        if (world.AnySilo() is not { } silo)
        {
            world.StartSilo()?.Start();
        }
        else if (IsFocused)
        {
            DoFocused(silo);
        }
        else
        {
            DoRandom(silo, world.AnySilo()!);
        }
    }

    private void DoFocused(SimSilo silo)
    {
        switch (_random.Fraction())
        {
            case < 0.40:
                CutOffFromDatabase(silo, _random.Seconds(0.8, world.LongestGrace.TotalSeconds + 2));
                DeclareDeadSoon(silo, 0.8);
                if (_random.Chance(0.5) && world.AnySilo() is { } other)
                {
                    CutLink(silo, other, _random.Seconds(0.5, 3), bothWays: true);
                }

                break;
            case < 0.60:
                CrashAndReplace(silo, _random.Seconds(0.03, 0.3));
                DeclareDeadSoon(silo, 0.7);
                break;
            case < 0.75:
                silo.Process.Pause(_random.Seconds(0.3, 3));
                DeclareDeadSoon(silo, 0.7);
                break;
            case < 0.85:
                StartAnother();
                break;
            case < 0.90:
                StopAndReplace(silo, _random.Seconds(0.2, 2));
                break;
            default:
                world.Administrator.Ask();
                break;
        }
    }

    private void DoRandom(SimSilo silo, SimSilo other)
    {
        switch (_random.Fraction())
        {
            case < 0.20:
                silo.Process.Pause(_random.Chance(0.6) ? _random.Seconds(0.1, 2) : _random.Chance(0.8) ? _random.Seconds(2, 8) : _random.Seconds(8, 20));
                break;
            case < 0.25:
                AnyFrontEnd().Process.Pause(_random.Seconds(0.1, 3));
                break;
            case < 0.32:
                CrashAndReplace(silo, _random.Seconds(0.05, 3));
                break;
            case < 0.35:
                StopAndReplace(silo, _random.Seconds(0.2, 3));
                break;
            case < 0.40:
                StartAnother();
                break;
            case < 0.50:
                CutOffFromDatabase(silo, _random.Chance(0.8) ? _random.Seconds(0.3, 8) : _random.Seconds(8, 12));
                break;
            case < 0.60:
                CutOffGroup();
                break;
            case < 0.66:
                world.Database.GoDown(_random.Chance(0.8) ? _random.Seconds(0.5, 4) : _random.Seconds(4, 11));
                break;
            case < 0.76:
                CutLink(silo, other, _random.Seconds(0.3, 7), bothWays: _random.Chance(0.5));
                break;
            case < 0.80:
                CutFrontEnd(silo, AnyFrontEnd());
                break;
            case < 0.88 when other != silo:
                world.Database.DeclareDead(other, silo);
                break;
            case < 0.94:
                world.Network.Loss = _random.Chance(0.5) ? _random.Between(0, 0.2) : 0;
                world.Network.Slowness = _random.Chance(0.6) ? _random.Between(0, 0.12) : 0;
                break;
            default:
                world.Administrator.Ask();
                break;
        }
    }

    private void End()
    {
        AreOver = true;
        world.Trace?.Invoke("---- the faults end ----");
        world.Network.HealAll();
        (world.Network.Loss, world.Network.Slowness, world.Database.Queueing) = (0, 0, 0);
        world.Database.ComeUp();
        foreach (var silo in world.Silos)
        {
            silo.Reach = Reach.Open;
            silo.Process.Resume();
        }

        foreach (var frontEnd in world.FrontEnds)
        {
            frontEnd.Process.Resume();
        }

        while (world.LivingSilos() < 3 && world.StartSilo() is { } started)
        {
            started.Start();
        }

        world.Administrator.FaultsEnded();
    }

    private SimFrontEnd AnyFrontEnd() => world.FrontEnds[_random.Below(World.FrontEndCount)];

    private void StartAnother(SimEndpoint? at = null)
    {
        if (HasRoom)
        {
            world.StartSilo(at)?.Start();
        }
    }

    private void CrashAndReplace(SimSilo silo, TimeSpan after)
    {
        silo.Crash(_random.Chance(0.6));
        Replace(silo, after);
    }

    private void StopAndReplace(SimSilo silo, TimeSpan after)
    {
        silo.StopInOrder();
        Replace(silo, after);
    }

    private void Replace(SimSilo silo, TimeSpan after) =>
        world.Post(null, after, (this, at: _random.Chance(0.6) ? silo.Endpoint : null), static call => call.Item1.StartAnother(call.at));

    private void DeclareDeadSoon(SimSilo silo, double probability)
    {
        if (_random.Chance(probability) && world.AnySilo() is { } other && other != silo)
        {
            world.Post(null, _random.Seconds(0.001, 0.4), (world.Database.Table, other, silo), static call => call.Table.DeclareDead(call.other, call.silo));
        }
    }

    private void CutOffFromDatabase(SimSilo silo, TimeSpan length)
    {
        silo.Reach = _random.Chance(0.45) ? Reach.Refused : Reach.Hanging;
        world.Trace?.Invoke($"{silo} is cut off from the database ({silo.Reach}) for {length.TotalSeconds:0.000} s");
        world.Post(null, length, silo, static silo => silo.Reach = Reach.Open);
    }

    private void CutLink(SimSilo from, SimSilo to, TimeSpan length, bool? bothWays = null)
    {
        var way = _random.Below(3);
        if (bothWays == true || way != 1)
        {
            CutOneWay(from.Process, to.Process, length);
        }

        if (bothWays == true || (bothWays is null && way != 0))
        {
            CutOneWay(to.Process, from.Process, length);
        }
    }

    private void CutFrontEnd(SimSilo silo, SimFrontEnd frontEnd)
    {
        var (from, to) = _random.Chance(0.5) ? (silo.Process, frontEnd.Process) : (frontEnd.Process, silo.Process);
        CutOneWay(from, to, _random.Seconds(0.3, 3));
    }

    private void CutOneWay(SimProcess from, SimProcess to, TimeSpan length)
    {
        if (from != to)
        {
            world.Trace?.Invoke($"the link from {from.Name} to {to.Name} is cut for {length.TotalSeconds:0.000} s");
            world.Network.Cut(from, to);
            world.Post(null, length, (world.Network, from, to), static call => call.Network.Heal(call.from, call.to));
        }
    }

    /// <summary>Cuts most silos off from the database, perhaps from the rest too; others start beside them and can't talk to them.</summary>
    private void CutOffGroup()
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
