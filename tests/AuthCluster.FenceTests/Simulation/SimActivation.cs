using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>
/// An activation of a client on a silo: it decides by its copy of the row, and for the limited client claims the limit and spends from it. Any
/// number of activations of a client may live at once.
/// </summary>
internal sealed class SimActivation
{
    private readonly World _world;
    private bool _isLoading;
    private int _load;
    private bool _isClaiming;
    private bool _usesUncheckedReturn;
    private TimeSpan _leasesEnd = FenceTimes.Never;

    public SimActivation(World world, SimSilo silo, int client, int slot, int id)
    {
        _world = world;
        Silo = silo;
        Client = client;
        Slot = slot;
        Id = id;
        Copy = silo.Fence.Open(World.ClientKeys[client]);
        Bucket = new SimBucket(silo.Process);
    }

    public SimSilo Silo { get; }

    public int Client { get; }

    public int Slot { get; }

    public int Id { get; }

    public FencedCopy Copy { get; private set; }

    public SimBucket Bucket { get; }

    /// <summary>The row that the copy holds.</summary>
    public Row State { get; private set; }

    public bool IsOpen { get; private set; } = true;

    /// <summary>The number of the claim that was confirmed; 0 for none.</summary>
    public int ConfirmedClaim { get; private set; }

    /// <summary>How it is named in the row as the owner.</summary>
    public int OwnerId => _world.Mistake == Mistake.OwnerIsTheSilo ? 1_000_000 + Silo.Process.Index : Id;

    public bool IsUsable => Copy.IsCurrent || _usesUncheckedReturn || (_world.Mistake == Mistake.MarksIgnored && Copy.Version > 0);

    /// <summary>Whether it would decide now if it were asked.</summary>
    public bool MayDecide => _world.Mistake switch
    {
        Mistake.NoMandate => Copy.IsCurrent,
        Mistake.MarksIgnored or Mistake.ReturnsUnchecked => IsUsable && Silo.Mandate.MayDecide(Silo.Now),
        _ => Copy.MayDecide(Silo.Now),
    };

    private bool MayLoad => Silo.Mandate.HasBegun || _world.Mistake == Mistake.LoadsBeforeActive;

    private bool MaySpend =>
        State.Owner == OwnerId && ConfirmedClaim > 0
        && (_world.Mistake == Mistake.SpendsUntilTheGraceEnds ? Silo.Mandate.MayDecide(Silo.Now) : Silo.Mandate.MaySpend(Silo.Now));

    /// <summary>One request of the client's own.</summary>
    public void Request()
    {
        if (!IsUsable)
        {
            Load();
        }
        else if (Client == World.LimitedClient && MayDecide)
        {
            if (State.Owner != OwnerId || ConfirmedClaim == 0)
            {
                Claim();
            }
            else if (MaySpend)
            {
                Spend();
            }
        }
    }

    public void Lend(SimFrontEnd to, TimeSpan askedAt)
    {
        var isLimited = Client == World.LimitedClient;
        if (!IsUsable)
        {
            Load();
            return;
        }

        if (!MayDecide || (isLimited && !MaySpend))
        {
            return;
        }

        var now = Silo.Now;
        var wanted = SimTimes.Sound.LeaseTerm;
        if (isLimited && _world.Mistake != Mistake.SpendsUntilTheGraceEnds && Silo.Mandate.SpendEnd - now < wanted)
        {
            wanted = Silo.Mandate.SpendEnd - now;
        }

        var granted = Silo.Fence.Grant(Copy, wanted, now);
        if (granted <= TimeSpan.Zero)
        {
            return;
        }

        var isUncapped = _world.Mistake == Mistake.LeaseOutlastsTheRight;
        granted = isUncapped ? SimTimes.Sound.LeaseTerm : granted;
        var end = now + SimTimes.Sound.Stretched(granted);
        _leasesEnd = end > _leasesEnd ? end : _leasesEnd;
        if (isUncapped)
        {
            Silo.LentUncapped(Client, end);
        }

        _world.Coverage.Leases++;
        var right = isLimited ? Silo.Peers.RightAt(now + granted - TimeSpan.FromTicks(1)) : default;
        var lease = new SimLease(Silo, Id, State.Commit, ConfirmedClaim, granted, right) { Permits = isLimited ? Bucket.Take(SimBucket.Block) : 0 };
        _world.Network.Send(Silo.Process, to.Process, (to, Client, lease, askedAt), static sent => sent.to.OnLease(sent.Client, sent.lease, sent.askedAt));
        _world.Faults.Strike(Silo);
    }

    public void Load()
    {
        if (_isLoading || !MayLoad || _world.Database.Refuses(Silo))
        {
            return;
        }

        _isLoading = true;
        _load++;
        _world.Database.Load(this, _load, Silo.Now);
        var patience = _world.Mistake == Mistake.LoadsWithoutDeadline ? TimeSpan.FromSeconds(30) : SimTimes.Sound.LoadDeadline * 0.9;
        Silo.Process.After(patience, (this, _load), static late => late.Item1.ForgetLoad(late._load));
    }

    public void OnLoaded(int load, TimeSpan began, Row row)
    {
        _world.Faults.Strike(Silo);
        if (!IsOpen || !_isLoading || load != _load)
        {
            return;
        }

        _isLoading = false;
        if (!row.Exists && _world.Mistake == Mistake.NoTombstone)
        {
            Silo.Fence.Close(Copy);
            Copy = Silo.Fence.Open(World.ClientKeys[Client]);
        }

        if (Copy.TryInstall(row.Version, began, Silo.Now))
        {
            _usesUncheckedReturn = false;
            Take(row);
        }
        else
        {
            _world.Coverage.RefusedLoads++;
            Load();
        }
    }

    /// <summary>Takes what a write of this activation has stored.</summary>
    public WriteReturn OnStored(Row row, TimeSpan began)
    {
        var taken = Copy.Written(row.Version, began, Silo.Now);
        if (taken == WriteReturn.Installed)
        {
            Take(row);
        }
        else if (taken == WriteReturn.Overtaken)
        {
            _world.Coverage.OvertakenReturns++;
            if (_world.Mistake == Mistake.ReturnsUnchecked)
            {
                _usesUncheckedReturn = true;
                Take(row);
            }
        }

        return taken;
    }

    /// <summary>An older state than this version must not be used: what the fence does by itself, but for an unchecked return.</summary>
    public void OnVoid(long version) => _usesUncheckedReturn &= State.Version >= version;

    public TimeSpan LeaseLeft() => _leasesEnd > Silo.Now ? _leasesEnd - Silo.Now : TimeSpan.Zero;

    /// <summary>The claim holds everywhere: it may spend from now on, from an empty bucket.</summary>
    public void Confirm(int claim)
    {
        if (IsOpen && State.Owner == OwnerId)
        {
            _world.Coverage.Claims++;
            _world.Trace?.Invoke($"claim {claim} of activation {Id} is confirmed");
            ConfirmedClaim = claim;
            Bucket.Reset(_world.Mistake == Mistake.BucketBeginsFull ? SimBucket.Capacity : 0);
            _world.Judge.Confirmed(Id, claim);
        }
    }

    public void ClaimIsOver() => _isClaiming = false;

    public void Close()
    {
        IsOpen = false;
        Silo.Fence.Close(Copy);
    }

    private void ForgetLoad(int load) => _isLoading &= load != _load;

    private void Take(Row row)
    {
        State = row;
        if (row.Owner != OwnerId)
        {
            ConfirmedClaim = 0;
        }
    }

    private void Claim()
    {
        if (!_isClaiming && _world.Random.Chance(0.25))
        {
            _isClaiming = true;
            new SimWrite(_world, this, WriteCommand.Claim).Begin();
        }
    }

    private void Spend()
    {
        var wanted = _world.Mix == Mix.Random && _world.Random.Chance(0.4) ? SimBucket.Capacity : 1 + _world.Random.Below(3);
        var spent = Bucket.Take(wanted);
        if (spent > 0)
        {
            _world.Judge.Spent(Id, ConfirmedClaim, spent, Silo.Peers.RightAt(Silo.Now));
        }
    }
}
