using System.Globalization;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>Which kinds of faults a run has, and how often.</summary>
internal enum Mix
{
    /// <summary>All kinds.</summary>
    Random,

    /// <summary>Silos that are cut off from the database, declared dead and replaced while many writes go on.</summary>
    Focused,
}

/// <summary>What a run has shown to be broken.</summary>
internal sealed record Violation(Invariant Invariant, string Message, ulong Seed);

/// <summary>
/// One run: silos, front ends, a database and an administrator, on virtual clocks and a virtual network, with faults for some seconds and a
/// sound end. The seed decides everything.
/// </summary>
internal sealed class World
{
    public const int MaxSilos = 24;
    public const int FrontEndCount = 2;
    public const int MaxProcesses = MaxSilos + FrontEndCount;
    public const int ClientCount = 2;

    /// <summary>By how much a clock is too fast or too slow at most: two of them differ by less than 1 %.</summary>
    public const double ClockError = 0.00495;

    /// <summary>A client without a limit, and one with a limit.</summary>
    public const int PlainClient = 0;
    public const int LimitedClient = 1;

    public static readonly string[] ClientKeys = ["plain", "limited"];
    private static readonly string[] SiloNames = Names("silo", MaxSilos);
    private static readonly Dictionary<string, int> SiloIndexes = SiloNames.Index().ToDictionary(silo => silo.Item, silo => silo.Index, StringComparer.Ordinal);

    private readonly EventQueue _queue = new();
    private readonly List<SimEndpoint> _endpoints = [];

    public World(ulong seed, Mix mix, Mistake mistake, Coverage coverage, Action<string>? trace = null)
    {
        Seed = seed;
        Mix = mix;
        Mistake = mistake;
        Coverage = coverage;
        Trace = trace is null ? null : text => trace(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalSeconds,9:0.0000} {text}"));
        Random = new SimRandom(seed);
        Network = new Network(this);
        Database = new SimDatabase(this);
        Judge = new Judge(this);
        Administrator = new Administrator(this);
        Faults = new Faults(this);
        FrontEnds = new SimFrontEnd[FrontEndCount];
        LongestGrace = mix == Mix.Focused ? Random.Seconds(1.2, 3) : Random.Chance(0.65) ? Random.Seconds(1.2, 5) : TimeSpan.FromSeconds(8);
    }

    public ulong Seed { get; }

    public Mix Mix { get; }

    public Mistake Mistake { get; }

    public Coverage Coverage { get; }

    /// <summary>Writes one line about what happens; null when nobody reads it.</summary>
    public Action<string>? Trace { get; }

    public SimRandom Random { get; }

    public Network Network { get; }

    public SimDatabase Database { get; }

    public Judge Judge { get; }

    public Administrator Administrator { get; }

    public Faults Faults { get; }

    public List<SimSilo> Silos { get; } = [];

    public SimFrontEnd[] FrontEnds { get; }

    public TimeSpan LongestGrace { get; }

    public TimeSpan Now { get; private set; }

    public bool IsOver { get; set; }

    public Violation? Run()
    {
        StartFounders();
        for (var i = 0; i < FrontEndCount; i++)
        {
            FrontEnds[i] = new SimFrontEnd(this, MaxSilos + i, $"front end {i}");
        }

        Judge.Start();
        Administrator.Start();
        Faults.Start();
        while (!IsOver && _queue.Take(out var at) is { } next)
        {
            Now = at;
            Happen(next);
        }

        Coverage.Runs++;
        Judge.CountResidues();
        return Judge.Violation;
    }

    /// <summary>Lets something happen after a duration on the world's clock.</summary>
    public void Post<T>(SimProcess? to, TimeSpan delay, T state, Action<T> run) => _queue.Add(new SimEvent<T>(to, state, run), Now + delay);

    public void Repost(SimEvent held, TimeSpan delay) => _queue.Add(held, Now + delay);

    public SimSilo Silo(string name) => Silos[SiloIndexes[name]];

    /// <summary>Starts a silo: at an endpoint of its own, or where an earlier one was.</summary>
    public SimSilo? StartSilo(SimEndpoint? at = null)
    {
        if (Silos.Count == MaxSilos)
        {
            return null;
        }

        if (at is null || at.Listener is not null)
        {
            at = new SimEndpoint($"endpoint{_endpoints.Count}");
            _endpoints.Add(at);
        }
        else
        {
            Coverage.Restarts++;
        }

        at.IsHostUp = true;
        var silo = new SimSilo(this, Silos.Count, SiloNames[Silos.Count], at);
        Silos.Add(silo);
        return silo;
    }

    public int LivingSilos()
    {
        var count = 0;
        foreach (var silo in Silos)
        {
            count += silo.Process.IsAlive ? 1 : 0;
        }

        return count;
    }

    /// <summary>Any silo that lives; null when all are gone.</summary>
    public SimSilo? AnySilo()
    {
        var living = LivingSilos();
        if (living == 0)
        {
            return null;
        }

        var skip = Random.Below(living);
        foreach (var silo in Silos)
        {
            if (silo.Process.IsAlive && skip-- == 0)
            {
                return silo;
            }
        }

        return null;
    }

    private void StartFounders()
    {
        var count = Random.Chance(0.2) ? 1 : Random.Chance(0.3) ? 2 : 3 + Random.Below(2);
        for (var i = 0; i < count; i++)
        {
            Database.Found(StartSilo()!);
        }

        foreach (var silo in Silos)
        {
            silo.BeginAsFounder();
        }
    }

    private void Happen(SimEvent next)
    {
        Coverage.Events++;
        var process = next.To;
        if (process is null)
        {
            next.Run();
        }
        else if (process.IsPaused)
        {
            process.Hold(next);
        }
        else if (process.IsAlive)
        {
            next.Run();
            Judge.Check(process);
        }
    }

    private static string[] Names(string kind, int count) => [.. Enumerable.Range(0, count).Select(i => $"{kind}{i}")];
}
