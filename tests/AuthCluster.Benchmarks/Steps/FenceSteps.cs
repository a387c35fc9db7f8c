using AuthCluster.Fence;
using BenchmarkDotNet.Attributes;

namespace AuthCluster.Benchmarks.Steps;

/// <summary>The question that each decision asks: whether the copy that it is made by may be used now. A token asks it a few times.</summary>
[MemoryDiagnoser]
public class FenceSteps
{
    private const string Self = "S127.0.0.1:11111:1";

    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly FencedCopy _copy;
    private readonly long _origin;

    public FenceSteps()
    {
        var times = new FenceTimes();
        var mandate = new Mandate(Self, times);
        mandate.ReadReturned(new Membership(
            TimeSpan.Zero, TimeSpan.Zero, times.OutageGrace, [new SiloEntry(Self, "127.0.0.1:11111", SiloStanding.Active, TimeSpan.Zero)]));
        _copy = new SiloFence(mandate, times).Open("orders");
        _copy.TryInstall(1, TimeSpan.Zero, TimeSpan.Zero);
        _origin = _clock.GetTimestamp();
    }

    [Benchmark]
    public bool May_decide() => _copy.MayDecide(_clock.GetElapsedTime(_origin));
}
