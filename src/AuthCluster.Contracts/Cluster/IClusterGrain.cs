using System.Collections.Immutable;
using Orleans.Concurrency;
using Orleans.Services;

namespace AuthCluster.Contracts.Cluster;

/// <summary>Describes the silos. Any activation may answer; its key is <see cref="Key"/>.</summary>
[GrainInterfaceType("cluster"), Alias("authcluster.cluster")]
public interface IClusterGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "s:cluster";

    /// <summary>The living silos, in the order of their addresses. Needs no storage.</summary>
    [AlwaysInterleave, Alias("describe")]
    Task<ClusterAnswer> DescribeAsync(CancellationToken cancellationToken = default);
}

/// <summary>A silo's report on itself, for <see cref="IClusterGrain"/>.</summary>
[GrainInterfaceType("silo-report"), Alias("authcluster.silo-report")]
public interface ISiloReportService : IGrainService
{
    /// <summary>The report.</summary>
    [Alias("report")]
    Task<SiloReport> ReportAsync();
}

/// <summary>A silo's report on itself.</summary>
/// <param name="Version">The version of its build.</param>
/// <param name="StartedAt">When its process started.</param>
/// <param name="Activations">Activations of clients in its memory.</param>
/// <param name="TokensPerSecond">Tokens that its grains granted lately, per second.</param>
[GenerateSerializer, Immutable, Alias("authcluster.silo-report.v1")]
public sealed record SiloReport(
    [property: Id(0)] string Version,
    [property: Id(1)] DateTimeOffset StartedAt,
    [property: Id(2)] int Activations,
    [property: Id(3)] double TokensPerSecond);

/// <summary>One silo of the cluster.</summary>
/// <param name="Address">Address, port and generation.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">What the membership says: <c>joining</c>, <c>active</c>, <c>shuttingDown</c> or <c>stopping</c>.</param>
/// <param name="Report">Its report; null when it does not answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.silo.v1")]
public sealed record SiloRecord(
    [property: Id(0)] string Address,
    [property: Id(1)] string Name,
    [property: Id(2)] string Status,
    [property: Id(3)] SiloReport? Report);

/// <summary>The silos.</summary>
/// <param name="Silos">The living ones; empty when no silo answers.</param>
[GenerateSerializer, Immutable, Alias("authcluster.cluster-answer.v1")]
public sealed record ClusterAnswer([property: Id(0)] ImmutableArray<SiloRecord> Silos);
