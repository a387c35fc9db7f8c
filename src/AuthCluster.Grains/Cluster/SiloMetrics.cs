using System.Diagnostics.Metrics;
using AuthCluster.Grains.Time;
using AuthCluster.Grains.Usage;
using Microsoft.Extensions.Hosting;

namespace AuthCluster.Grains.Cluster;

/// <summary>Gauges of one silo: the members it knows, the clients in its memory, doubts about its clock, usage that the database refuses.</summary>
internal sealed class SiloMetrics(IMeterFactory factory, IClusterMembershipService membership, SiloActivity activity, UsageBook usage, TrustedClock trusted) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = factory.Create("AuthCluster.Cluster");
        meter.CreateObservableGauge("authcluster.cluster.silos", CountActive, "{silo}", "Silos that this one knows to be active");
        meter.CreateObservableGauge("authcluster.cluster.activations", () => activity.Activations, "{client}", "Clients in this silo's memory");
        meter.CreateObservableGauge("authcluster.cluster.clock_in_doubt", () => trusted.IsInDoubt ? 1 : 0, "{silo}", "1 while this silo's clock is in doubt");
        meter.CreateObservableGauge("authcluster.usage.set_aside", () => usage.SetAsideCount, "{client}", "Clients whose usage the database refuses");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private int CountActive() => membership.CurrentSnapshot.Members.Values.Count(member => member.Status == SiloStatus.Active);
}
