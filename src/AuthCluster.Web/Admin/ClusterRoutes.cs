using AuthCluster.Contracts.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>GET /admin/v1/cluster</c>: the living silos.</summary>
internal static class ClusterRoutes
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/cluster", DescribeAsync).WithTags(AdminTags.Reports)
        .WithName("describeCluster").WithSummary("The living silos: status, version, clients in memory, tokens by the second.")
        .Produces<ClusterBody>();

    private static async Task<AdminAnswer> DescribeAsync(AdminRequest request, AdminGrains grains)
    {
        var answer = await grains.AskAsync(() => grains.Cluster.DescribeAsync(CancellationToken.None), new ClusterAnswer([]));
        if (answer.Silos.IsEmpty)
        {
            return AdminProblem.NothingDone;
        }

        var body = new ClusterBody([.. answer.Silos.Select(silo => new SiloBody(
            silo.Address,
            silo.Name,
            silo.Status,
            silo.Report?.Version,
            silo.Report?.StartedAt.UtcDateTime,
            silo.Report?.Activations,
            silo.Report?.TokensPerSecond))]);
        return AdminAnswer.Ok(body, AdminJson.Default.ClusterBody);
    }
}

/// <summary>One silo.</summary>
/// <param name="Address">Address, port and generation.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status"><c>joining</c>, <c>active</c>, <c>shuttingDown</c> or <c>stopping</c>.</param>
/// <param name="Version">The version of its build; this and the members below are absent while the silo does not answer.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="Activations">Clients in its memory.</param>
/// <param name="TokensPerSecond">Tokens a second that it granted lately.</param>
public sealed record SiloBody(
    string Address, string Name, string Status, string? Version, DateTime? StartedAt, int? Activations, double? TokensPerSecond);

/// <summary>The cluster.</summary>
/// <param name="Silos">The living silos, in the order of their addresses.</param>
public sealed record ClusterBody(IReadOnlyList<SiloBody> Silos);
