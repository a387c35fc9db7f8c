namespace AuthCluster.FenceTests.Simulation;

/// <summary>What a front end has borrowed.</summary>
/// <param name="From">The silo that granted it.</param>
/// <param name="Activation">The activation that granted it.</param>
/// <param name="Commit">The number of the state that it holds.</param>
/// <param name="Claim">The claim under which its permits are spent.</param>
/// <param name="Length">How long it lasts, from before it was asked for.</param>
/// <param name="Right">What lets the granting silo spend until its end.</param>
internal sealed record SimLease(SimSilo From, int Activation, int Commit, int Claim, TimeSpan Length, SpendingRight Right)
{
    public int Permits { get; set; }

    /// <summary>When it ends, on the front end's clock.</summary>
    public TimeSpan End { get; set; }
}

/// <summary>A front end: it borrows leases from any silo, decides by them alone, and sends requests to silos.</summary>
internal sealed class SimFrontEnd
{
    private readonly World _world;
    private readonly SimLease?[] _leases = new SimLease?[World.ClientCount];

    public SimFrontEnd(World world, int index, string name)
    {
        _world = world;
        Process = new SimProcess(world, index, name);
        world.Post(Process, world.Random.Seconds(0, 0.1), this, static frontEnd => frontEnd.Work());
    }

    public SimProcess Process { get; }

    private bool IsFocused => _world.Mix == Mix.Focused;

    /// <summary>The lease by which it decides now; null when it has none.</summary>
    public SimLease? LeaseOf(int client) => _leases[client] is { } lease && Process.Now < lease.End ? lease : null;

    public void OnLease(int client, SimLease lease, TimeSpan askedAt)
    {
        _world.Faults.Strike(null);
        if (LeaseOf(client) is { } held && held.Commit > lease.Commit && _world.Random.Chance(0.5))
        {
            return;
        }

        lease.End = (_world.Mistake == Mistake.LeaseCountedFromReceipt ? Process.Now : askedAt) + lease.Length;
        _leases[client] = lease;
    }

    private void Work()
    {
        var random = _world.Random;
        _world.Post(Process, random.Seconds(0.03, 0.25), this, static frontEnd => frontEnd.Work());
        if (_world.Faults.AreOver && random.Chance(0.3))
        {
            return;
        }

        var client = random.Below(World.ClientCount);
        var lease = LeaseOf(client);
        if (lease is { Permits: > 0 } && random.Chance(IsFocused ? 0.2 : 0.7))
        {
            _world.Judge.Spent(lease.Activation, lease.Claim, lease.Permits, lease.Right);
            lease.Permits = 0;
        }

        var isNearEnd = lease is null || (!IsFocused && lease.End - Process.Now < TimeSpan.FromSeconds(0.3));
        if (isNearEnd || random.Chance(IsFocused ? 0.04 : 0.3))
        {
            AskForLease(client);
        }

        SendRequests(client);
        if (random.Chance(0.03) && _world.AnySilo() is { Process.IsPaused: false } silo)
        {
            silo.Deactivate(random.Below(World.ClientCount), random.Below(SimSilo.SlotCount));
        }
    }

    private void AskForLease(int client)
    {
        if (_world.AnySilo() is { } silo)
        {
            var slot = _world.Random.Chance(0.8) ? 0 : 1;
            _world.Network.Send(Process, silo.Process, (silo, client, slot, frontEnd: this, askedAt: Process.Now), static ask =>
            {
                if (ask.silo.MayActivate)
                {
                    ask.silo.Activation(ask.client, ask.slot).Lend(ask.frontEnd, ask.askedAt);
                }
            });
        }
    }

    private void SendRequests(int client)
    {
        var random = _world.Random;
        if (IsFocused)
        {
            foreach (var silo in _world.Silos)
            {
                if (silo.Process.IsAlive && random.Chance(0.6))
                {
                    Send(silo, World.LimitedClient, 0);
                }
            }
        }

        if (random.Chance(0.8) && _world.AnySilo() is { } any)
        {
            Send(any, client, random.Chance(0.8) ? 0 : 1);
        }

        if (random.Chance(0.3) && _world.AnySilo() is { } other)
        {
            Send(other, World.LimitedClient, 0);
        }
    }

    private void Send(SimSilo silo, int client, int slot) =>
        _world.Network.Send(Process, silo.Process, (silo, client, slot), static request =>
        {
            if (request.silo.MayActivate)
            {
                request.silo.Activation(request.client, request.slot).Request();
            }
        });
}
