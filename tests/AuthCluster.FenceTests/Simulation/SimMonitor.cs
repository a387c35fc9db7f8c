using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>What a silo does about the others: it declares those dead that it can't reach, and proves the ends of dead ones.</summary>
internal sealed class SimMonitor
{
    private const double Interval = 0.25;

    private readonly World _world;
    private readonly SimSilo _silo;
    private readonly EndProofs _proofs;
    private readonly double[] _unreachableFor = new double[World.MaxSilos];
    private readonly double[] _patience = new double[World.MaxSilos];

    public SimMonitor(World world, SimSilo silo)
    {
        _world = world;
        _silo = silo;
        var startedAt = world.Mistake == Mistake.EndedAtOnceBySuccessor ? silo.Now - SimTimes.Sound.EndProofDelay : silo.Now;
        _proofs = new EndProofs(silo.Process.Name, silo.Endpoint.Name, startedAt, SimTimes.Sound);
        for (var i = 0; i < _patience.Length; i++)
        {
            _patience[i] = world.Random.Between(1, 5);
        }
    }

    public void Refused(SimSilo dead)
    {
        _world.Faults.Strike(_silo);
        var isHasty = _world.Mistake == Mistake.EndedAtOnceByRefusedConnection;
        _proofs.Refused(dead.Process.Name, isHasty ? _silo.Now - SimTimes.Sound.EndProofDelay : _silo.Now);
    }

    public void Look()
    {
        _silo.Process.After(TimeSpan.FromSeconds(Interval), this, static monitor => monitor.Look());
        if (_silo.HasGivenUp || _silo.IsStopping || _silo.Mandate.Latest is not { } view)
        {
            return;
        }

        if (_world.Random.Chance(0.02))
        {
            _world.Database.ClearOld(_silo);
        }

        var hasDead = false;
        foreach (var entry in view.Silos)
        {
            hasDead |= entry.Standing == SiloStanding.Dead;
            if (entry.Standing != SiloStanding.Dead && entry.Silo != _silo.Process.Name)
            {
                Suspect(_world.Silo(entry.Silo));
            }
        }

        if (hasDead)
        {
            ProveEnds(view);
        }
    }

    private void ProveEnds(Membership view)
    {
        foreach (var entry in _proofs.Proven(view, _silo.Now))
        {
            var proof = entry.Endpoint == _silo.Endpoint.Name ? EndedBy.Successor : EndedBy.RefusedConnection;
            _world.Database.SetEnded(_silo, _world.Silo(entry.Silo), proof);
        }

        foreach (var entry in _proofs.ToProbe(view, _silo.Now))
        {
            if (_world.Random.Chance(0.4))
            {
                _world.Network.Probe(_silo, _world.Silo(entry.Silo));
            }
        }
    }

    private void Suspect(SimSilo other)
    {
        if (other.Endpoint == _silo.Endpoint)
        {
            _world.Database.DeclareDead(_silo, other);
            return;
        }

        var (from, to) = (_silo.Process, other.Process);
        if (!to.IsAlive || to.IsPaused || _world.Network.IsCut(from, to) || _world.Network.IsCut(to, from))
        {
            var index = other.Process.Index;
            _unreachableFor[index] += Interval;
            if (_unreachableFor[index] >= _patience[index] && _silo.Mandate.HasBegun)
            {
                _unreachableFor[index] -= 0.5;
                _world.Database.DeclareDead(_silo, other);
            }
        }
        else
        {
            _unreachableFor[other.Process.Index] = 0;
        }
    }
}
