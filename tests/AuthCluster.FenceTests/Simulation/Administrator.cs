namespace AuthCluster.FenceTests.Simulation;

/// <summary>Asks silos for writes, and after the faults for one of each client until it is answered that it holds everywhere.</summary>
internal sealed class Administrator(World world)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    private readonly List<SimWrite>[] _writes = [[], []];
    private readonly SimWrite?[] _last = new SimWrite?[World.ClientCount];
    private TimeSpan _faultsEndedAt;

    public List<SimWrite> WritesOf(int client) => _writes[client];

    public void Start() => world.Post(null, world.Random.Seconds(0.2, 1), this, static administrator => administrator.Work());

    public void Ask()
    {
        if (world.AnySilo() is not { } silo)
        {
            return;
        }

        var random = world.Random;
        var client = random.Chance(0.7) ? World.PlainClient : World.LimitedClient;
        Submit(silo, client, random.Fraction() switch
        {
            < 0.5 => WriteCommand.Disable,
            < 0.74 => WriteCommand.Enable,
            < 0.85 when client == World.PlainClient => WriteCommand.Delete,
            _ => client == World.PlainClient ? WriteCommand.Create : WriteCommand.Enable,
        });
        if (random.Chance(0.25) && world.AnySilo() is { } other)
        {
            Submit(other, client, random.Chance(0.5) ? WriteCommand.Disable : WriteCommand.Enable);
        }
    }

    public void FaultsEnded()
    {
        _faultsEndedAt = world.Now;
        world.Post(null, TimeSpan.FromSeconds(0.5), this, static administrator => administrator.AskForLast());
    }

    private void Work()
    {
        if (world.Faults.AreOver)
        {
            return;
        }

        var random = world.Random;
        var pause = world.Mix == Mix.Focused ? random.Seconds(0.02, 0.35) : random.Chance(0.3) ? random.Seconds(0.01, 0.1) : random.Seconds(0.1, 1.6);
        world.Post(null, pause, this, static administrator => administrator.Work());
        Ask();
    }

    private SimWrite? Submit(SimSilo silo, int client, WriteCommand command)
    {
        if (!silo.IsServing)
        {
            return null;
        }

        var slot = world.Random.Chance(0.85) ? 0 : 1;
        var write = new SimWrite(world, silo.Activation(client, slot), command);
        _writes[client].Add(write);
        world.Trace?.Invoke($"the administrator asks: {write}");
        world.Post(silo.Process, world.Random.Seconds(0.0003, 0.002), write, static write => write.Begin());
        world.Post(null, Patience, write, static write => write.GiveUp());
        return write;
    }

    private void AskForLast()
    {
        var open = 0;
        for (var client = 0; client < World.ClientCount; client++)
        {
            if (_last[client] is { Answer: WriteAnswer.Everywhere })
            {
                continue;
            }

            open++;
            if (_last[client] is null || _last[client]!.Answer != WriteAnswer.None || !_last[client]!.Silo.Process.IsAlive)
            {
                _last[client] = AskAnyThatServes(client);
            }
        }

        var waited = world.Now - _faultsEndedAt;
        if (open == 0)
        {
            world.Coverage.LongestRecovery = waited > world.Coverage.LongestRecovery ? waited : world.Coverage.LongestRecovery;
            world.Judge.CheckEnd();
            world.IsOver = true;
        }
        else if (waited > (2 * world.LongestGrace) + TimeSpan.FromSeconds(22))
        {
            world.Judge.Break(Invariant.DecisionsHaveNoGap, $"no write holds everywhere {waited.TotalSeconds:0.0} s after the last fault");
        }
        else
        {
            world.Post(null, TimeSpan.FromSeconds(0.3), this, static administrator => administrator.AskForLast());
        }
    }

    private SimWrite? AskAnyThatServes(int client)
    {
        var first = world.Random.Below(world.Silos.Count);
        for (var i = 0; i < world.Silos.Count; i++)
        {
            var silo = world.Silos[(first + i) % world.Silos.Count];
            if (silo.Process.IsAlive && silo.IsServing)
            {
                return Submit(silo, client, WriteCommand.Disable);
            }
        }

        if (world.LivingSilos() == 0)
        {
            world.StartSilo()?.Start();
        }

        return null;
    }
}
