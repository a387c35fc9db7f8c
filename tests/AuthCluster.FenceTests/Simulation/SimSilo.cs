using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>A silo: it joins, has activations, dies or stops, and obeys the product's <see cref="Fence.Mandate"/> and <see cref="SiloFence"/>.</summary>
internal sealed class SimSilo
{
    public const int SlotCount = 2;

    private readonly World _world;
    private readonly SimActivation?[] _activations = new SimActivation?[World.ClientCount * SlotCount];
    private readonly TimeSpan[] _uncappedLeasesEnd = [FenceTimes.Never, FenceTimes.Never];
    private readonly TimeSpan _joinsAt;
    private int _endTries;

    public SimSilo(World world, int index, string name, SimEndpoint endpoint)
    {
        _world = world;
        Process = new SimProcess(world, index, name);
        Endpoint = endpoint;
        endpoint.Listener = this;
        Grace = world.Random.Chance(0.7) ? world.LongestGrace : world.LongestGrace * world.Random.Between(0.5, 1);
        Mandate = new Mandate(name, SimTimes.ForMandate(world.Mistake, Grace));
        Fence = new SiloFence(Mandate, SimTimes.ForCopies(world.Mistake));
        Reader = new SimReader(world, this);
        Peers = new SimPeers(world, this);
        Monitor = new SimMonitor(world, this);
        _joinsAt = Process.Now + (world.Random.Chance(0.6) ? world.Random.Seconds(0.02, 0.2) : world.Random.Seconds(0.2, 2));
        Process.After(world.Random.Seconds(0.001, 0.05), Reader, static reader => reader.ReadPeriodically());
        Process.After(world.Random.Seconds(0, 0.25), Monitor, static monitor => monitor.Look());
    }

    public SimProcess Process { get; }

    public SimEndpoint Endpoint { get; }

    /// <summary>The outage grace that it is configured with.</summary>
    public TimeSpan Grace { get; }

    public Mandate Mandate { get; }

    public SiloFence Fence { get; }

    public SimReader Reader { get; }

    public SimPeers Peers { get; }

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
        Reader.BeginAsFounder();
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
            _world.Faults.Damage.Ended(this);
        }
    }

    /// <summary>Takes that a reading has returned: the silo may have become active, or have died.</summary>
    public void OnMandateChanged()
    {
        if (Mandate.HasDied && !HasGivenUp)
        {
            HasGivenUp = true;
            _world.Coverage.OwnDeaths++;
            _world.Trace?.Invoke($"{this} has read its own death");
            EndWhenLeasesAreOver();
        }

        BeganAt ??= Mandate.HasBegun ? _world.Now : null;
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

    public override string ToString() => Process.Name;

    private static int Place(int client, int slot) => (client * SlotCount) + slot;

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
}
