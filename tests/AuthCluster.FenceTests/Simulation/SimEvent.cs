namespace AuthCluster.FenceTests.Simulation;

/// <summary>Something that will happen, in a process or outside all of them.</summary>
internal abstract class SimEvent(SimProcess? to)
{
    /// <summary>The process in which it happens; null for the database and the world around.</summary>
    public SimProcess? To => to;

    public abstract void Run();
}

/// <summary>An event with its arguments, so that the function needs no closure.</summary>
internal sealed class SimEvent<T>(SimProcess? to, T arguments, Action<T> run) : SimEvent(to)
{
    public override void Run() => run(arguments);
}
