using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>A parameter as the OpenAPI document describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type"><c>string</c>, <c>integer</c>, <c>boolean</c> or <c>date-time</c>.</param>
/// <param name="Description">What it does, with its bounds and default.</param>
internal sealed record AdminParameter(string Name, string Type, string Description)
{
    /// <summary>Lowest value of an integer.</summary>
    public int? Min { get; init; }

    /// <summary>Highest value of an integer.</summary>
    public int? Max { get; init; }

    /// <summary>The only values.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Whether it is a header.</summary>
    public bool IsHeader { get; init; }

    /// <summary>Whether it must be given.</summary>
    public bool Required { get; init; }

    public IList<JsonNode> EnumValues => [.. Values.Select(value => (JsonNode)value)];
}

/// <summary>What the OpenAPI document tells of a route, beside its path.</summary>
internal sealed record AdminRouteDoc(string Name, string Tag, string Summary)
{
    private IReadOnlyCollection<string>? _queryParameters;

    /// <summary>Successful answers.</summary>
    public required IReadOnlyList<(int Status, Type? Body)> Answers { get; init; }

    /// <summary>The statuses of problems, beside those that every route has.</summary>
    public IReadOnlyList<int> MoreProblems { get; init; } = [];

    /// <summary>The statuses of all problems; 408, 413 and 415 are those of a body.</summary>
    public IEnumerable<int> Problems =>
        MoreProblems.Concat([400, 401, 403, 500, 503]).Concat(Body is null ? [] : [408, 413, 415]).Order();

    /// <summary>Whether a successful answer has an <c>ETag</c>.</summary>
    public bool HasETag { get; init; }

    /// <summary>Whether a successful answer has a <c>Location</c>.</summary>
    public bool HasLocation { get; init; }

    /// <summary>Parameters of the query and headers.</summary>
    public IReadOnlyList<AdminParameter> Parameters { get; init; } = [];

    /// <summary>The names of the parameters of the query.</summary>
    public IReadOnlyCollection<string> QueryParameters => _queryParameters ??= [.. Parameters.Where(parameter => !parameter.IsHeader).Select(parameter => parameter.Name)];

    /// <summary>The body that is sent; null for none.</summary>
    public Type? Body { get; init; }

    /// <summary>The media type of the body.</summary>
    public string BodyType { get; init; } = AdminBody.Json;

    /// <summary>Whether the body may be left out.</summary>
    public bool BodyOptional { get; init; }
}

/// <summary>Describes routes.</summary>
internal static class AdminRouteDescription
{
    /// <summary>Gives a route its description, from which its query is checked and the OpenAPI document is made.</summary>
    public static void Describe(this RouteHandlerBuilder route, AdminRouteDoc doc)
    {
        route.WithName(doc.Name).WithTags(doc.Tag).WithSummary(doc.Summary).WithMetadata(doc);
        foreach (var (status, body) in doc.Answers)
        {
            route.WithMetadata(body is null
                ? new ProducesResponseTypeMetadata(status, typeof(void))
                : new ProducesResponseTypeMetadata(status, body, [AdminBody.Json]));
        }

        foreach (var status in doc.Problems)
        {
            route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ProblemBody), ["application/problem+json"]));
        }
    }
}
