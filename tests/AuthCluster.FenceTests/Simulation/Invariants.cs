namespace AuthCluster.FenceTests.Simulation;

/// <summary>What must hold in every run.</summary>
internal enum Invariant
{
    None,

    /// <summary>I1: no silo and no lease decides by an older state than a write that was answered for it.</summary>
    AnsweredWriteHolds,

    /// <summary>I2: a write that was acknowledged is not lost, and none that was answered before it began takes its place.</summary>
    AcknowledgedWriteIsKept,

    /// <summary>I3: a silo that lives, and whose outage grace is not over, may decide; some time after all faults end a write holds everywhere.</summary>
    DecisionsHaveNoGap,

    /// <summary>I4: two activations do not spend from one limit, and the limit is not overspent.</summary>
    OneActivationSpends,
}

/// <summary>What lets a silo spend from a limit at a moment.</summary>
internal enum SpendingRight
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>Its own good reading, less than a term old.</summary>
    OwnReading,

    /// <summary>The answer of a silo that has such a reading.</summary>
    PeerThatReads,

    /// <summary>The answer of a silo that can't read either: they may be cut off together. What is spent so is a documented residue.</summary>
    PeerThatIsBlind,

    /// <summary>It knew no other silo. What is spent so is a documented residue.</summary>
    KnewNobody,
}

/// <summary>Judges a run by what the whole world knows: it says which invariant is broken first.</summary>
internal sealed class Judge
{
    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(0.1);
    private static readonly TimeSpan GapAllowed = TimeSpan.FromSeconds(0.65);

    private readonly World _world;
    // For each client and silo the number of the newest write that was answered as holding there.
    private readonly int[] _needed = new int[World.ClientCount * World.MaxSilos];
    private readonly WriteHistory _history;
    private readonly SpendingLedger _ledger;
    private int _activations;

    public Judge(World world)
    {
        _world = world;
        _history = new WriteHistory(world);
        _ledger = new SpendingLedger(world);
    }

    public Violation? Violation { get; private set; }

    public void Start() => _world.Post(null, TimeSpan.FromSeconds(0.5), this, static judge => judge.Sample());

    public int NextActivation() => _activations++;

    public void Break(Invariant invariant, string message)
    {
        _world.Trace?.Invoke($"*** {invariant} is broken: {message}");
        Violation ??= new Violation(invariant, message, _world.Seed);
        _world.IsOver = true;
    }

    /// <summary>Checks what a process would decide now.</summary>
    public void Check(SimProcess process)
    {
        if (process.IsPaused || !process.IsAlive)
        {
            return;
        }

        if (process.Index < World.MaxSilos)
        {
            CheckSilo(_world.Silos[process.Index]);
        }
        else
        {
            CheckFrontEnd(_world.FrontEnds[process.Index - World.MaxSilos]);
        }
    }

    public void Committed(SimWrite write, int known, int replaced, int commit) => _history.Committed(write, known, replaced, commit);

    public void Answered(SimWrite write, Fence.FenceAnswer? answer)
    {
        _world.Coverage.Count(write, answer);
        if (write.Answer is WriteAnswer.Everywhere or WriteAnswer.NotEverywhere)
        {
            _history.Acknowledged(write);
            if (!write.IsClaim)
            {
                RequireOnAllBut(write, answer!);
            }
        }
    }

    public void Confirmed(int activation, int claim) => _ledger.Confirmed(activation, claim);

    public void Spent(int activation, int claim, int permits, SpendingRight right) => _ledger.Spent(activation, claim, permits, right);

    public void CountResidues() => _ledger.CountResidues();

    /// <summary>Checks at the end of a run that each silo that works may decide.</summary>
    public void CheckEnd()
    {
        foreach (var silo in _world.Silos)
        {
            if (MustDecide(silo) && !silo.Mandate.MayDecide(silo.Now))
            {
                Break(Invariant.DecisionsHaveNoGap, $"{silo} may not decide after all faults");
            }
        }
    }

    private void RequireOnAllBut(SimWrite write, Fence.FenceAnswer answer)
    {
        for (var silo = 0; silo < World.MaxSilos; silo++)
        {
            var wait = TimeSpan.Zero;
            var isNamed = false;
            foreach (var named in answer.Unconfirmed)
            {
                if (_world.Silo(named.Silo).Process.Index == silo)
                {
                    isNamed = true;
                    wait = named.For ?? TimeSpan.Zero;
                }
            }

            if (!isNamed)
            {
                Raise(write.Client, silo, write.Commit);
            }
            else if (wait > TimeSpan.Zero)
            {
                _world.Post(null, write.Silo.Process.OnWorldClock(wait), (this, write.Client, silo, write.Commit), static due =>
                    due.Item1.Require(due.Client, due.silo, due.Commit));
            }
        }

        CheckAll();
    }

    private void Require(int client, int silo, int commit)
    {
        Raise(client, silo, commit);
        CheckAll();
    }

    private void Raise(int client, int silo, int commit)
    {
        ref var needed = ref _needed[(client * World.MaxSilos) + silo];
        needed = Math.Max(needed, commit);
    }

    private int Needed(int client, SimSilo silo) => _needed[(client * World.MaxSilos) + silo.Process.Index];

    private void CheckAll()
    {
        foreach (var silo in _world.Silos)
        {
            Check(silo.Process);
        }

        foreach (var frontEnd in _world.FrontEnds)
        {
            Check(frontEnd.Process);
        }
    }

    private void CheckSilo(SimSilo silo)
    {
        for (var client = 0; client < World.ClientCount; client++)
        {
            var needed = Needed(client, silo);
            for (var slot = 0; slot < SimSilo.SlotCount; slot++)
            {
                if (silo.LiveActivation(client, slot) is { } activation && activation.State.Commit < needed && activation.State.Commit > 0 && activation.MayDecide)
                {
                    Break(
                        Invariant.AnsweredWriteHolds,
                        $"activation {activation.Id} of {World.ClientKeys[client]} on {silo} decides by commit {activation.State.Commit}, and {needed} was answered");
                }
            }
        }
    }

    private void CheckFrontEnd(SimFrontEnd frontEnd)
    {
        for (var client = 0; client < World.ClientCount; client++)
        {
            if (frontEnd.LeaseOf(client) is { } lease && lease.Commit < Needed(client, lease.From))
            {
                Break(
                    Invariant.AnsweredWriteHolds,
                    $"{frontEnd.Process.Name} decides for {World.ClientKeys[client]} by a lease of commit {lease.Commit} from {lease.From}, "
                    + $"and {Needed(client, lease.From)} was answered");
            }
        }
    }

    private void Sample()
    {
        _world.Post(null, SampleInterval, this, static judge => judge.Sample());
        foreach (var silo in _world.Silos)
        {
            if (!MustDecide(silo) || silo.Mandate.MayDecide(silo.Now))
            {
                continue;
            }

            var sinceGood = silo.Now - silo.Mandate.LastGood!.Began;
            if (sinceGood < silo.Grace * 0.99)
            {
                Break(
                    Invariant.DecisionsHaveNoGap,
                    $"{silo} runs, and its last good reading began {sinceGood.TotalSeconds:0.000} s ago, but it may not decide");
            }
        }
    }

    /// <summary>Whether a silo works, and has had the time for a reading since it began or was resumed.</summary>
    private bool MustDecide(SimSilo silo) =>
        silo is { IsServing: true, Process: { IsAlive: true, IsPaused: false } } && _world.Database.Table.IsActive(silo)
        && _world.Now - silo.Process.ResumedAt > GapAllowed && _world.Now - silo.BeganAt > GapAllowed;
}
