namespace AuthCluster.FenceTests.Simulation;

/// <summary>When something goes wrong in a run, and what. After some seconds all of it ends.</summary>
internal sealed class Faults(World world)
{
    private readonly SimRandom _random = world.Random;
    private double _strikes;

    public Damage Damage { get; } = new(world);

    /// <summary>Whether the faults are over, so that the rest of the run must come to a sound end.</summary>
    public bool AreOver { get; private set; }

    private bool IsFocused => world.Mix == Mix.Focused;

    public void Start()
    {
        _strikes = IsFocused ? (_random.Chance(0.5) ? 0 : 0.004) : _random.Chance(0.5) ? _random.Between(0, 0.01) : _random.Between(0, 0.04);
        world.Network.Slowness = _random.Chance(0.4) ? _random.Between(0, IsFocused ? 0.2 : 0.05) : 0;
        world.Database.Queueing = IsFocused && _random.Chance(0.5) ? _random.Between(0, 0.9) : 0;
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
                Damage.CrashAndReplace(_random.Chance(0.6) ? struck : other, _random.Seconds(0.1, 2));
                break;
            case < 0.57:
                Damage.StopAndReplace(other, _random.Seconds(0.3, 2.5));
                break;
            case < 0.70 when other != struck:
                world.Database.DeclareDead(other, struck);
                break;
            case < 0.78:
                Damage.StartAnother();
                break;
            case < 0.90:
                Damage.CutOffFromDatabase(struck, _random.Seconds(0.2, 4));
                break;
            default:
                Damage.CutLink(struck, other, _random.Seconds(0.2, 4), bothWays: _random.Chance(0.3));
                break;
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
                Damage.CutOffFromDatabase(silo, _random.Seconds(0.8, world.LongestGrace.TotalSeconds + 2));
                Damage.DeclareDeadSoon(silo, 0.8);
                if (_random.Chance(0.5) && world.AnySilo() is { } other)
                {
                    Damage.CutLink(silo, other, _random.Seconds(0.5, 3), bothWays: true);
                }

                break;
            case < 0.60:
                Damage.CrashAndReplace(silo, _random.Seconds(0.03, 0.3));
                Damage.DeclareDeadSoon(silo, 0.7);
                break;
            case < 0.75:
                silo.Process.Pause(_random.Seconds(0.3, 3));
                Damage.DeclareDeadSoon(silo, 0.7);
                break;
            case < 0.85:
                Damage.StartAnother();
                break;
            case < 0.90:
                Damage.StopAndReplace(silo, _random.Seconds(0.2, 2));
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
                Damage.AnyFrontEnd().Process.Pause(_random.Seconds(0.1, 3));
                break;
            case < 0.32:
                Damage.CrashAndReplace(silo, _random.Seconds(0.05, 3));
                break;
            case < 0.35:
                Damage.StopAndReplace(silo, _random.Seconds(0.2, 3));
                break;
            case < 0.40:
                Damage.StartAnother();
                break;
            case < 0.50:
                Damage.CutOffFromDatabase(silo, _random.Chance(0.8) ? _random.Seconds(0.3, 8) : _random.Seconds(8, 12));
                break;
            case < 0.60:
                Damage.CutOffGroup();
                break;
            case < 0.66:
                world.Database.GoDown(_random.Chance(0.8) ? _random.Seconds(0.5, 4) : _random.Seconds(4, 11));
                break;
            case < 0.76:
                Damage.CutLink(silo, other, _random.Seconds(0.3, 7), bothWays: _random.Chance(0.5));
                break;
            case < 0.80:
                Damage.CutFrontEnd(silo, Damage.AnyFrontEnd());
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
}
