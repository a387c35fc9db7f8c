using AuthCluster.Contracts.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/cluster</c>: the silos, and the word of an operator that one of them has ended.</summary>
internal static class ClusterRoutes
{
    private const int MaxAddress = 128;

    private static readonly VouchEndedAnswer Unavailable = new(VouchEndedOutcome.Unavailable);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/cluster", DescribeAsync).WithTags(AdminTags.Reports)
            .WithName("describeCluster").WithSummary("The living silos, and dead ones that might still decide: status, version, clients in memory, tokens by the second.")
            .Produces<ClusterBody>();
        routes.MapPost("/cluster/silos/{address}/ended", VouchEndedAsync).WithTags(AdminTags.Emergency)
            .WithName("vouchSiloEnded").WithSummary("Vouches that the process of a dead silo has ended, so that changes need not wait for it.")
            .Produces(204).Refuses(404, 409);
    }

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
            silo.Report?.TokensPerSecond,
            silo.MayDecideUntil?.UtcDateTime,
            silo.UnconfirmedWrites > 0 ? silo.UnconfirmedWrites : null))]);
        return AdminAnswer.Ok(body, AdminJson.Default.ClusterBody);
    }

    private static async Task<AdminAnswer> VouchEndedAsync(AdminRequest request, AdminGrains grains)
    {
        if (request.Route("address") is not { Length: <= MaxAddress } address)
        {
            return AdminProblem.NotFound("silo");
        }

        // The grain waits some two seconds for the last lease of the silo, for which an attempt of a change leaves time.
        var answer = await grains.ChangeAsync(
            request.NewChange(), actor => grains.Cluster.VouchEndedAsync(new VouchEndedCommand(address, actor), CancellationToken.None), Unavailable);
        return answer.Outcome switch
        {
            VouchEndedOutcome.Done => new AdminAnswer(StatusCodes.Status204NoContent),
            VouchEndedOutcome.NotFound => AdminProblem.NotFound("silo"),
            VouchEndedOutcome.Alive => AdminProblem.SiloAlive,
            VouchEndedOutcome.Unavailable => AdminProblem.Unavailable,
            _ => throw new ArgumentOutOfRangeException(nameof(request), answer.Outcome, "The outcome is unknown."),
        };
    }
}

/// <summary>One silo.</summary>
/// <param name="Address">Address, port and generation.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status"><c>joining</c>, <c>active</c>, <c>shuttingDown</c> or <c>stopping</c>; <c>dead</c> for one whose process is not proven to have ended.</param>
/// <param name="Version">The version of its build; this and the three members below are absent while the silo does not answer.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="Activations">Clients in its memory.</param>
/// <param name="TokensPerSecond">Tokens a second that it granted lately.</param>
/// <param name="MayDecideUntil">Until when it might decide by a state that answered changes have replaced; absent when it does not.</param>
/// <param name="UnconfirmedWrites">How many answered changes it has not acknowledged yet; absent when there are none.</param>
public sealed record SiloBody(
    string Address,
    string Name,
    string Status,
    string? Version,
    DateTime? StartedAt,
    int? Activations,
    double? TokensPerSecond,
    DateTime? MayDecideUntil,
    int? UnconfirmedWrites);

/// <summary>The cluster.</summary>
/// <param name="Silos">The living silos and the dead ones that might still decide, in the order of their addresses.</param>
public sealed record ClusterBody(IReadOnlyList<SiloBody> Silos);
