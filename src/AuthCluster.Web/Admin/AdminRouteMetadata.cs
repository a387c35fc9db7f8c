using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace AuthCluster.Web.Admin;

/// <summary>The tags under which the OpenAPI document lists the routes.</summary>
internal static class AdminTags
{
    public const string Clients = "Clients";
    public const string Secrets = "Secrets";
    public const string Reports = "Reports";
    public const string Emergency = "Emergency";
}

/// <summary>A header of a route's successful answers.</summary>
internal sealed record AnswerHeader(string Name, string Description)
{
    public static AnswerHeader ETag { get; } = new(HeaderNames.ETag, "The version of the client, in double quotes: what If-Match takes.");

    public static AnswerHeader Location { get; } = new(HeaderNames.Location, "Where what was made is found, as a path on this server.");
}

/// <summary>The body that a route takes.</summary>
/// <remarks>ASP.NET's own <c>Accepts</c> would let routing answer 415 before the caller is known.</remarks>
internal sealed record RequestBody(Type Type, string MediaType, bool IsOptional);

/// <summary>Gives routes the metadata of the OpenAPI document for which ASP.NET has no word.</summary>
internal static class AdminRouteMetadata
{
    /// <summary>The query parameters and headers that a route takes. A request with another query parameter is refused.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder route, params OpenApiParameter[] parameters) =>
        route.WithMetadata([.. parameters]);

    /// <summary>The body that a route takes, with the refusals of a bad one.</summary>
    public static RouteHandlerBuilder TakesBody<TBody>(this RouteHandlerBuilder route, string mediaType = AdminBody.Json, bool isOptional = false) =>
        route.WithMetadata(new RequestBody(typeof(TBody), mediaType, isOptional)).Refuses(408, 413, 415);

    /// <summary>A change, which is answered with this status and body when it holds on every node, else with 202 and the same body.</summary>
    public static RouteHandlerBuilder ChangesTo<TBody>(this RouteHandlerBuilder route, int status = StatusCodes.Status200OK) =>
        route.Produces<TBody>(status).Produces<TBody>(StatusCodes.Status202Accepted);

    /// <summary>A change, which is answered without a body: 204 when it holds on every node, else 202.</summary>
    public static RouteHandlerBuilder Changes(this RouteHandlerBuilder route) =>
        route.Produces(StatusCodes.Status204NoContent).Produces(StatusCodes.Status202Accepted);

    /// <summary>The headers of a route's successful answers.</summary>
    public static RouteHandlerBuilder AnswersWith(this RouteHandlerBuilder route, params AnswerHeader[] headers) =>
        route.WithMetadata([.. headers]);

    /// <summary>The statuses that are answered with a <see cref="ProblemBody"/>; <c>ProducesProblem</c> knows nothing of its members.</summary>
    public static TBuilder Refuses<TBuilder>(this TBuilder routes, params int[] statuses)
        where TBuilder : IEndpointConventionBuilder =>
        routes.WithMetadata([.. statuses.Select(status => new ProducesResponseTypeMetadata(status, typeof(ProblemBody), [ProblemBody.MediaType]))]);
}
