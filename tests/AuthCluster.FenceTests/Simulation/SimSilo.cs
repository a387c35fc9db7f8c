using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>One reading of the membership, under way.</summary>
internal sealed class Reading(SimSilo silo, TimeSpan began, SimWrite? write)
{
    public SimSilo Silo => silo;

    /// <summary>When it began, on the silo's clock.</summary>
    public TimeSpan Began => began;

    /// <summary>The write that waits for it; null for a periodic reading.</summary>
    public SimWrite? Write => write;

    public bool IsDone { get; set; }
}

/// <summary>A silo: it reads the membership, joins, stops, and obeys the product's <see cref="Fence.Mandate"/> and <see cref="SiloFence"/>.</summary>
internal sealed class SimSilo
{
    public const int SlotCount = 2;

    private readonly World _world;
    private readonly SimActivation?[] _activations = new SimActivation?[World.ClientCount * SlotCount];
    private readonly TimeSpan[] _uncappedLeasesEnd = [FenceTimes.Never, FenceTimes.Never];
    private readonly TimeSpan _joinsAt;
    private TimeSpan _peerAnsweredUntil = FenceTimes.Never;
    private TimeSpan _peerKnewUntil = FenceTimes.Never;
    private int _endTries;

    public SimSilo(World world, int index, string name, SimEndpoint endpoint)
    {
        _world = world;
        Process = new SimProcess(world, index, name);
        Endpoint = endpoint;
        endpoint.Listener = this;
        Grace = world.Random.Chance(0.7) ? world.LongestGrace : world.LongestGrace * world.Random.Between(0.5, 1);
        var times = SimTimes.ForMandate(world.Mistake, Grace);
        Mandate = new Mandate(name, times);
        Fence = new SiloFence(Mandate, SimTimes.ForCopies(world.Mistake));
        Monitor = new SimMonitor(world, this);
        _joinsAt = Process.Now + (world.Random.Chance(0.6) ? world.Random.Seconds(0.02, 0.2) : world.Random.Seconds(0.2, 2));
        Process.After(world.Random.Seconds(0.001, 0.05), this, static silo => silo.ReadPeriodically());
        Process.After(world.Random.Seconds(0, 0.25), Monitor, static monitor => monitor.Look());
    }

    public SimProcess Process { get; }

    public SimEndpoint Endpoint { get; }

    /// <summary>The outage grace that it is configured with.</summary>
    public TimeSpan Grace { get; }

    public Mandate Mandate { get; }

    public SiloFence Fence { get; }

    public SimMonitor Monitor { get; }

    public Reach Reach { get; set; }

    /// <summary>Whether it stops in order.</summary>
    public bool IsStopping { get; private set; }

    public bool HasGivenUp { get; private set; }

    /// <summary>When it first found itself active, on the world's clock; null before.</summary>
    public TimeSpan? BeganAt { get; private set; }

    /// <summary>Whether it serves: it has begun, and has neither read its death nor been told to stop.</summary>
    public bool IsServing => BeganAt is not null && !HasGivenUp && !IsStopping;

    /// <summary>Whether it takes requests: loads begin only after it has found itself active.</summary>
    public bool MayActivate => Mandate.HasBegun || _world.Mistake == Mistake.LoadsBeforeActive;

    public TimeSpan Now => Process.Now;

    public void BeginAsFounder()
    {
        BeganAt = _world.Now;
        Mandate.ReadReturned(ViewOf(Now, _world.Database.Table.Snapshot, _world.Database.Now));
    }

    public void Start()
    {
        _world.Coverage.Starts++;
        _world.Trace?.Invoke($"{this} starts at {Endpoint.Name}");
        Process.After(TimeSpan.FromSeconds(0.01), this, static silo => silo.Join());
    }

    public void Crash(bool hostStaysUp)
    {
        if (Process.IsAlive)
        {
            _world.Coverage.Crashes++;
            _world.Trace?.Invoke($"{this} crashes, its host {(hostStaysUp ? "refuses" : "is silent")}");
            Endpoint.IsHostUp = hostStaysUp;
            Exit();
        }
    }

    public void StopInOrder()
    {
        if (Process.IsAlive && IsServing)
        {
            _world.Coverage.Stops++;
            _world.Trace?.Invoke($"{this} stops in order");
            IsStopping = true;
            Mandate.Stop();
            EndWhenLeasesAreOver();
        }
    }

    public void Exit()
    {
        if (Process.IsAlive)
        {
            _world.Trace?.Invoke($"{this} is gone");
            Process.End();
            Endpoint.Listener = null;
            _world.Faults.Ended(this);
        }
    }

    public void Read(SimWrite? write)
    {
        var reading = new Reading(this, Now, write);
        if (_world.Database.Refuses(this))
        {
            _world.Post(Process, TimeSpan.FromSeconds(0.001), reading, static reading => reading.Silo.Fail(reading));
            return;
        }

        _world.Database.Read(reading);
        Process.After(SimTimes.Sound.ReadTimeout, reading, static reading => reading.Silo.Fail(reading));
    }

    public void OnRead(Reading reading, TableSnapshot table, TimeSpan databaseNow)
    {
        _world.Faults.Strike(this);
        reading.IsDone = true;
        var began = _world.Mistake == Mistake.MandateFromTheReturn ? Now : reading.Began;
        var view = ViewOf(began, table, databaseNow);
        Mandate.ReadReturned(AsTheMandateSees(view));
        if (Mandate.HasDied && !HasGivenUp)
        {
            GiveUp();
        }

        if (Mandate.HasBegun && BeganAt is null)
        {
            BeganAt = _world.Now;
        }

        reading.Write?.OnRead(view);
    }

    /// <summary>Answers another silo that can't read the membership.</summary>
    public void OnPing(SimSilo asker, TimeSpan askedAt)
    {
        _world.Faults.Strike(this);
        var answersAll = _world.Mistake is Mistake.AnyPeerAnswers or Mistake.AnyPeerAnswersAndClaimWaitsForOneTerm;
        if (answersAll || Mandate.Answers(asker.Process.Name, Now))
        {
            _world.Network.Send(Process, asker.Process, (asker, askedAt, knows: KnowsAt(Now)), static pong => pong.asker.OnPong(pong.askedAt, pong.knows));
        }
    }

    public SimActivation Activation(int client, int slot)
    {
        ref var activation = ref _activations[Place(client, slot)];
        return activation ??= new SimActivation(_world, this, client, slot, _world.Judge.NextActivation());
    }

    public SimActivation? LiveActivation(int client, int slot) => _activations[Place(client, slot)];

    public void Deactivate(int client, int slot)
    {
        _activations[Place(client, slot)]?.Close();
        _activations[Place(client, slot)] = null;
    }

    /// <summary>Remembers a lease that lasts beyond the right of the silo.</summary>
    public void LentUncapped(int client, TimeSpan end) =>
        _uncappedLeasesEnd[client] = end > _uncappedLeasesEnd[client] ? end : _uncappedLeasesEnd[client];

    /// <summary>Voids older versions, as the product does.</summary>
    /// <returns>How long leases of them may last yet.</returns>
    public TimeSpan Void(int client, long version)
    {
        var lease = Fence.Void(World.ClientKeys[client], version, Now);
        var kept = _uncappedLeasesEnd[client] - Now;
        for (var slot = 0; slot < SlotCount; slot++)
        {
            if (LiveActivation(client, slot) is { } activation)
            {
                activation.OnVoid(version);
                kept = activation.LeaseLeft() > kept ? activation.LeaseLeft() : kept;
            }
        }

        return _world.Mistake switch
        {
            Mistake.LeaseKeptInTheActivation => kept > TimeSpan.Zero ? kept : TimeSpan.Zero,
            Mistake.LeaseOutlastsTheRight => kept > lease ? kept : lease,
            _ => lease,
        };
    }

    /// <summary>What lets this silo spend at a moment, as the whole world knows it.</summary>
    public SpendingRight RightAt(TimeSpan at) =>
        KnowsAt(at) ? SpendingRight.OwnReading
        : Mandate.Peers.IsEmpty ? SpendingRight.KnewNobody
        : at < _peerKnewUntil ? SpendingRight.PeerThatReads
        : at < _peerAnsweredUntil ? SpendingRight.PeerThatIsBlind
        : SpendingRight.Nothing;

    public override string ToString() => Process.Name;

    private static int Place(int client, int slot) => (client * SlotCount) + slot;

    private bool KnowsAt(TimeSpan at) => Mandate.LastGood is { } good && at < good.Began + SimTimes.Sound.Term;

    private void ReadPeriodically()
    {
        Read(null);
        Process.After(SimTimes.Sound.ReadEvery, this, static silo => silo.ReadPeriodically());
    }

    private void Fail(Reading reading)
    {
        if (reading.IsDone)
        {
            return;
        }

        reading.IsDone = true;
        _world.Coverage.FailedReads++;
        var isHidden = _world.Mistake switch
        {
            Mistake.NoOutageRule => true,
            Mistake.OutageAsAMode => reading.Began < Mandate.End,
            _ => false,
        };
        if (!isHidden)
        {
            Mandate.ReadFailed(reading.Began);
        }

        if (Mandate.LastGood is { } good && reading.Began > good.Began && !HasGivenUp && !IsStopping)
        {
            foreach (var peer in Mandate.Peers)
            {
                var asked = _world.Silo(peer);
                _world.Network.Send(Process, asked.Process, (asked, asker: this, askedAt: Now), static ping => ping.asked.OnPing(ping.asker, ping.askedAt));
            }
        }

        reading.Write?.OnReadFailed();
    }

    private void OnPong(TimeSpan askedAt, bool knows)
    {
        Mandate.PeerAnswered(askedAt);
        var until = askedAt + SimTimes.Sound.Term;
        _peerAnsweredUntil = until > _peerAnsweredUntil ? until : _peerAnsweredUntil;
        _peerKnewUntil = knows && until > _peerKnewUntil ? until : _peerKnewUntil;
    }

    private void Join()
    {
        if (HasGivenUp || IsStopping || BeganAt is not null)
        {
            return;
        }

        if (!_world.Database.Refuses(this))
        {
            if (Mandate.Latest?.Find(Process.Name) is null)
            {
                _world.Database.Join(this);
            }
            else if (Now >= _joinsAt)
            {
                _world.Database.Activate(this);
            }
        }

        Process.After(TimeSpan.FromSeconds(0.15), this, static silo => silo.Join());
    }

    private void GiveUp()
    {
        HasGivenUp = true;
        _world.Coverage.OwnDeaths++;
        _world.Trace?.Invoke($"{this} has read its own death");
        EndWhenLeasesAreOver();
    }

    private void EndWhenLeasesAreOver()
    {
        var wait = _world.Mistake == Mistake.EndedAtOnceByItself ? TimeSpan.Zero : Fence.LongestLease(Now);
        foreach (var end in _uncappedLeasesEnd)
        {
            wait = end - Now > wait ? end - Now : wait;
        }

        Process.After(wait + TimeSpan.FromTicks(1), this, static silo => silo.TellItsEnd());
    }

    private void TellItsEnd()
    {
        _world.Faults.Strike(this);
        if (!_world.Database.Refuses(this))
        {
            if (IsStopping)
            {
                _world.Database.Leave(this);
            }
            else
            {
                _world.Database.SetEnded(this, this, EndedBy.OwnDeath);
            }
        }

        if (++_endTries < 4)
        {
            Process.After(TimeSpan.FromSeconds(0.4), this, static silo => silo.TellItsEnd());
        }
        else
        {
            Process.After(_world.Random.Seconds(0.05, 0.5), this, static silo => silo.Exit());
        }
    }

    private Membership ViewOf(TimeSpan began, TableSnapshot table, TimeSpan databaseNow)
    {
        var silos = new SiloEntry[table.Rows.Length];
        for (var i = 0; i < silos.Length; i++)
        {
            var (entry, diedAt) = table.Rows[i];
            silos[i] = entry.Standing == SiloStanding.Dead ? entry with { DeadFor = databaseNow - diedAt } : entry;
        }

        return new Membership(began, Now, table.LongestGrace, silos);
    }

    /// <summary>The view itself, but for a silo that does not want to see where it stands.</summary>
    private Membership AsTheMandateSees(Membership view)
    {
        var hidden = _world.Mistake switch
        {
            Mistake.OwnDeathIgnored => SiloStanding.Dead,
            Mistake.JoiningSilosDecide => SiloStanding.Joining,
            _ => SiloStanding.Active,
        };
        return hidden == SiloStanding.Active || view.Find(Process.Name)?.Standing != hidden
            ? view
            : new Membership(view.Began, view.Returned, view.LongestGrace, view.Silos.Select(silo =>
                silo.Silo == Process.Name ? silo with { Standing = SiloStanding.Active, DeadFor = TimeSpan.Zero } : silo));
    }
}
