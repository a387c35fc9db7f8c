using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;

namespace AuthCluster.Contracts.Admin;

/// <summary>Which clients to list.</summary>
/// <param name="Search">The beginning of the id or of the name; null for all.</param>
/// <param name="Owner">The owner, exactly; null for all.</param>
/// <param name="After">Only ids after this one; null from the start.</param>
/// <param name="Limit">The most to answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.list-clients.v1")]
public sealed record ListClientsQuery(
    [property: Id(0)] string? Search,
    [property: Id(1)] string? Owner,
    [property: Id(2)] string? After,
    [property: Id(3)] int Limit);

/// <summary>A page of clients, without their secrets.</summary>
/// <param name="Found">False when storage does not answer.</param>
/// <param name="Items">The clients.</param>
/// <param name="Next">The id to ask after for the next page; null on the last.</param>
[GenerateSerializer, Immutable, Alias("authcluster.client-page.v1")]
public sealed record ClientPageAnswer(
    [property: Id(0)] bool Found,
    [property: Id(1)] ImmutableArray<ClientView> Items,
    [property: Id(2)] string? Next);
