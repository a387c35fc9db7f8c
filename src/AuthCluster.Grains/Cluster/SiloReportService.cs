using System.Reflection;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Usage;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Services;

namespace AuthCluster.Grains.Cluster;

/// <summary>Reports what one silo does.</summary>
internal sealed class SiloReportService(GrainId id, Silo silo, ILoggerFactory loggers, SiloActivity activity, PendingVoids pending)
    : GrainService(id, silo, loggers), ISiloReportService
{
    private static readonly string Version =
        typeof(SiloReportService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public Task<SiloReport> ReportAsync() =>
        Task.FromResult(new SiloReport(Version, activity.StartedAt, activity.Activations, activity.TokensPerSecond, pending.Counts));
}

/// <summary>Asks a silo for its report.</summary>
internal delegate Task<SiloReport> ReportOfSilo(SiloAddress silo);

/// <summary>Calls the <see cref="ISiloReportService"/> of a given silo.</summary>
internal sealed class SiloReportClient(IServiceProvider services) : GrainServiceClient<ISiloReportService>(services)
{
    public Task<SiloReport> ReportAsync(SiloAddress silo) => GetGrainService(silo).ReportAsync();
}
