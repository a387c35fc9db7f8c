using System.Diagnostics.Metrics;
using AuthCluster.Fence;

namespace AuthCluster.Grains.Fencing;

/// <summary>Metrics of the fence.</summary>
internal sealed class FenceMetrics
{
    private readonly Counter<long> _lapses;
    private readonly Histogram<double> _answers;
    private int _unconfirmed;

    public FenceMetrics(IMeterFactory factory, SiloRights rights)
    {
        var meter = factory.Create("AuthCluster.Fence");
        _lapses = meter.CreateCounter<long>("authcluster.fence.lapses", "{lapse}", "Times that this silo lost its right to decide");
        _answers = meter.CreateHistogram<double>(
            "authcluster.fence.answer.duration", "s", "From the moment at which a write was stored to the moment at which it could be answered");
        meter.CreateObservableGauge(
            "authcluster.fence.mandate.age",
            () => rights.Mandate.LastGood is { } good ? (rights.Now - good.Began).TotalSeconds : double.NaN,
            "s",
            "Since the last reading of the membership in which this silo found itself active");
        meter.CreateObservableGauge(
            "authcluster.fence.unconfirmed.silos",
            () => new Measurement<int>[]
            {
                new(Unconfirmed, new KeyValuePair<string, object?>("silo_is", "alive")),
                new(DeadIn(rights), new KeyValuePair<string, object?>("silo_is", "dead")),
            },
            "{silo}",
            "Silos that keep changes from holding everywhere: living ones that have not acknowledged a change of this one, and dead ones whose end is not proven");
    }

    /// <summary>How many living silos have not acknowledged a write of this one.</summary>
    public int Unconfirmed
    {
        get => Volatile.Read(ref _unconfirmed);
        set => Volatile.Write(ref _unconfirmed, value);
    }

    private static int DeadIn(SiloRights rights) => rights.Mandate.Latest is not { } view
        ? 0
        : view.Silos.Count(silo => silo.Standing == SiloStanding.Dead && view.DecidesFor(silo, rights.Times, rights.Now) > TimeSpan.Zero);

    /// <summary>Counts a loss of the right to decide.</summary>
    public void Lapsed() => _lapses.Add(1);

    /// <summary>Counts an answered write.</summary>
    public void Answered(FenceOutcome outcome, TimeSpan duration) => _answers.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("holds", outcome switch
    {
        FenceOutcome.Everywhere => "everywhere",
        FenceOutcome.NotEverywhere => "not_everywhere",
        _ => "unknown",
    }));
}
