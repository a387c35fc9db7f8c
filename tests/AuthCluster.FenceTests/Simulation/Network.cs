namespace AuthCluster.FenceTests.Simulation;

/// <summary>The links between processes. Each direction may be cut; messages may be lost, late and in another order.</summary>
internal sealed class Network(World world)
{
    private readonly bool[] _isCut = new bool[World.MaxProcesses * World.MaxProcesses];

    /// <summary>The probability that a message is lost.</summary>
    public double Loss { get; set; }

    /// <summary>The probability that a message, or a call of the database, is slow.</summary>
    public double Slowness { get; set; }

    public bool IsCut(SimProcess from, SimProcess to) => _isCut[Link(from, to)];

    public void Cut(SimProcess from, SimProcess to) => _isCut[Link(from, to)] = true;

    public void Heal(SimProcess from, SimProcess to) => _isCut[Link(from, to)] = false;

    public void HealAll() => Array.Clear(_isCut);

    public TimeSpan Delay()
    {
        var random = world.Random;
        if (Slowness > 0 && random.Chance(Slowness))
        {
            return random.Chance(0.2) ? random.Seconds(1, 5) : random.Seconds(0.02, 1.1);
        }

        return random.Seconds(0.0003, 0.002);
    }

    public void Send<T>(SimProcess from, SimProcess to, T message, Action<T> receive)
    {
        if (from == to)
        {
            world.Post(to, world.Random.Seconds(0.00002, 0.0002), message, receive);
        }
        else if (Carries(from, to))
        {
            world.Post(to, Delay(), message, receive);
        }
    }

    /// <summary>Tries to connect to the endpoint of a silo. It is refused when the host is up and no process listens there.</summary>
    public void Probe(SimSilo from, SimSilo to)
    {
        if (Carries(from.Process, to.Process))
        {
            world.Post(null, Delay(), (this, from, to), static call => call.Item1.Knock(call.from, call.to));
        }
    }

    private void Knock(SimSilo from, SimSilo to)
    {
        if (to.Endpoint is { IsHostUp: true, Listener: null } && Carries(to.Process, from.Process))
        {
            world.Post(from.Process, Delay(), (from, to), static call => call.from.Monitor.Refused(call.to));
        }
    }

    private static int Link(SimProcess from, SimProcess to) => (from.Index * World.MaxProcesses) + to.Index;

    private bool Carries(SimProcess from, SimProcess to) => !IsCut(from, to) && !(Loss > 0 && world.Random.Chance(Loss));
}

/// <summary>An address and port. One process at a time listens there.</summary>
internal sealed class SimEndpoint(string name)
{
    public string Name => name;

    /// <summary>Whether the host answers: it then refuses connections to a port where no process listens.</summary>
    public bool IsHostUp { get; set; } = true;

    public SimSilo? Listener { get; set; }
}
