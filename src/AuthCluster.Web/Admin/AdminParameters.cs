using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace AuthCluster.Web.Admin;

/// <summary>Makes the parameters of the routes, as the OpenAPI document describes them.</summary>
internal static class AdminParameters
{
    private const string IfMatchDescription = "The ETag that the client must have now, in double quotes; 412 when it has another. A PUT, PATCH, disable or enable that was answered 202 or 503 may be sent again with the same ETag: it succeeds, and changes nothing, unless the client was changed since.";

    public static OpenApiParameter After { get; } = Text(AdminCursor.Parameter, "What the page before gave as its next.");

    public static OpenApiParameter Limit { get; } = Number("limit", 1, AdminQuery.MaxLimit, "The most items to answer; 100 unless given.");

    public static OpenApiParameter From { get; } = Time("from", "The start of the window; 24 hours before its end unless given.");

    public static OpenApiParameter To { get; } = Time("to", "The end of the window; now unless given.");

    public static OpenApiParameter IfMatch { get; } = Header(HeaderNames.IfMatch, IfMatchDescription);

    public static OpenApiParameter RequiredIfMatch { get; } = Header(HeaderNames.IfMatch, IfMatchDescription, isRequired: true);

    public static OpenApiParameter IfNoneMatch { get; } = Header(
        HeaderNames.IfNoneMatch,
        "ETags that are known already, in double quotes; 304 when the client still has one of them. What uses a client does not move its ETag.");

    public static OpenApiParameter IdempotencyKey { get; } = Header(
        IdempotentChoices.Header, "1 to 255 printable characters. For an hour the same key and body get the same answer.");

    public static OpenApiParameter Text(string name, string description) =>
        Query(name, description, new OpenApiSchema { Type = JsonSchemaType.String });

    public static OpenApiParameter Choice(string name, string description, params string[] values) =>
        Query(name, description, new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. values.Select(value => (JsonNode)value)] });

    public static OpenApiParameter Flag(string name, string description) =>
        Query(name, description, new OpenApiSchema { Type = JsonSchemaType.Boolean });

    public static OpenApiParameter Number(string name, int min, int max, string description) => Query(name, description, new OpenApiSchema
    {
        Type = JsonSchemaType.Integer,
        Format = "int32",
        Minimum = min.ToString(CultureInfo.InvariantCulture),
        Maximum = max.ToString(CultureInfo.InvariantCulture),
    });

    private static OpenApiParameter Time(string name, string description) =>
        Query(name, description, new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" });

    private static OpenApiParameter Query(string name, string description, OpenApiSchema schema) =>
        new() { Name = name, In = ParameterLocation.Query, Description = description, Schema = schema };

    private static OpenApiParameter Header(string name, string description, bool isRequired = false) => new()
    {
        Name = name,
        In = ParameterLocation.Header,
        Required = isRequired,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };
}
