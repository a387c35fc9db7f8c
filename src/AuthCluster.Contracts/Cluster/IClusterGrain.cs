using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using Orleans.Concurrency;
using Orleans.Services;

namespace AuthCluster.Contracts.Cluster;

/// <summary>Describes the silos. Any activation may answer; its key is <see cref="Key"/>.</summary>
[GrainInterfaceType("cluster"), Alias("authcluster.cluster")]
public interface IClusterGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "s:cluster";

    /// <summary>The living silos, and the dead ones whose end is not proven, in the order of their addresses. Needs no storage.</summary>
    [AlwaysInterleave, Alias("describe")]
    Task<ClusterAnswer> DescribeAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes the word of an operator that the process of a dead silo has ended. Answers after its last lease has run out, in some two seconds.
    /// </summary>
    [AlwaysInterleave, Alias("vouch-ended")]
    Task<VouchEndedAnswer> VouchEndedAsync(VouchEndedCommand command, CancellationToken cancellationToken = default);
}

/// <summary>Says that the process of a silo has ended.</summary>
/// <param name="Address">The silo: address, port and generation.</param>
/// <param name="Actor">Who says so.</param>
[GenerateSerializer, Immutable, Alias("authcluster.vouch-ended.v1")]
public sealed record VouchEndedCommand([property: Id(0)] string Address, [property: Id(1)] ActorRecord Actor);

/// <summary>How the word of an operator was taken.</summary>
public enum VouchEndedOutcome
{
    /// <summary>The silo counts as ended, now or already.</summary>
    Done = 0,

    /// <summary>The membership knows no such silo.</summary>
    NotFound = 1,

    /// <summary>The silo was not declared dead: stop its process first, and wait until the others have noticed.</summary>
    Alive = 2,

    /// <summary>Storage does not answer; asking again is safe.</summary>
    Unavailable = 3,
}

/// <summary>The answer to <see cref="VouchEndedCommand"/>.</summary>
/// <param name="Outcome">How it was taken.</param>
[GenerateSerializer, Immutable, Alias("authcluster.vouch-ended-answer.v1")]
public sealed record VouchEndedAnswer([property: Id(0)] VouchEndedOutcome Outcome);

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
/// <param name="Unconfirmed">The silos that have not acknowledged writes of this one yet. Default from older builds.</param>
[GenerateSerializer, Immutable, Alias("authcluster.silo-report.v1")]
public sealed record SiloReport(
    [property: Id(0)] string Version,
    [property: Id(1)] DateTimeOffset StartedAt,
    [property: Id(2)] int Activations,
    [property: Id(3)] double TokensPerSecond,
    [property: Id(4)] ImmutableArray<UnconfirmedRecord> Unconfirmed = default);

/// <summary>A silo that has not acknowledged writes of another.</summary>
/// <param name="Silo">Its address, port and generation.</param>
/// <param name="Writes">How many writes.</param>
[GenerateSerializer, Immutable, Alias("authcluster.unconfirmed.v1")]
public sealed record UnconfirmedRecord([property: Id(0)] string Silo, [property: Id(1)] int Writes);

/// <summary>One silo of the cluster.</summary>
/// <param name="Address">Address, port and generation.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">What the membership says: <c>joining</c>, <c>active</c>, <c>shuttingDown</c>, <c>stopping</c>, or <c>dead</c> where the end is not proven.</param>
/// <param name="Report">Its report; null when it does not answer.</param>
/// <param name="MayDecideUntil">Until when it might decide by a state that answered writes have replaced; null when it does not.</param>
/// <param name="UnconfirmedWrites">How many answered writes it has not acknowledged yet, as far as the others know.</param>
[GenerateSerializer, Immutable, Alias("authcluster.silo.v1")]
public sealed record SiloRecord(
    [property: Id(0)] string Address,
    [property: Id(1)] string Name,
    [property: Id(2)] string Status,
    [property: Id(3)] SiloReport? Report,
    [property: Id(4)] DateTimeOffset? MayDecideUntil = null,
    [property: Id(5)] int UnconfirmedWrites = 0);

/// <summary>The silos.</summary>
/// <param name="Silos">The living ones, and dead ones whose end is not proven; empty when no silo answers.</param>
[GenerateSerializer, Immutable, Alias("authcluster.cluster-answer.v1")]
public sealed record ClusterAnswer([property: Id(0)] ImmutableArray<SiloRecord> Silos);
