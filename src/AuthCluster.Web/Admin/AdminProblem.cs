using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Json;
using Microsoft.Net.Http.Headers;

namespace AuthCluster.Web.Admin;

/// <summary>A problem as the admin API answers it (RFC 9457).</summary>
public sealed record ProblemBody
{
    /// <summary>The media type of problems.</summary>
    internal const string MediaType = "application/problem+json";

    /// <summary>What kind of problem it is; always <c>about:blank</c>: the status says it.</summary>
    public string Type { get; init; } = "about:blank";

    /// <summary>The status in words.</summary>
    public required string Title { get; init; }

    /// <summary>The status.</summary>
    public required int Status { get; init; }

    /// <summary>What is wrong and what helps.</summary>
    public required string Detail { get; init; }

    /// <summary>What is wrong by field or parameter; <c>$</c> is the body as a whole.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>The request's id, by which the log knows it.</summary>
    public string? RequestId { get; init; }
}

/// <summary>The refusals of the admin API, each with its fixed text.</summary>
internal static class AdminProblem
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public static AdminAnswer NotFound(string what) => Of(404, "Not Found", $"There is no such {what}.");

    public static AdminAnswer MethodNotAllowed { get; } =
        Of(405, "Method Not Allowed", "The path does not have this method; Allow says which it has.");

    public static AdminAnswer Taken { get; } =
        Of(409, "Conflict", "A client with this id is there already; choose another id, or change that one.");

    public static AdminAnswer LastSecret { get; } =
        Of(409, "Conflict", "The client would be left without a valid secret; add one that is valid first. A revocation can be repeated with ?force=true.");

    public static AdminAnswer LastAdmin { get; } = Of(
        409, "Conflict", "It is the last enabled client that can get the scope authcluster:admin; make or enable another admin first.");

    public static AdminAnswer TooManySecrets { get; } =
        Of(409, "Conflict", "The client has 32 secrets, the most that it may have; revoke one first.");

    public static AdminAnswer SiloAlive { get; } = Of(
        409, "Conflict", "The silo is not declared dead: stop its process first, wait until GET /admin/v1/cluster shows it as dead, and send the same again.");

    public static AdminAnswer Stale { get; } = Of(
        412, "Precondition Failed", "The client was changed since that ETag was read; read it again and repeat the change.");

    public static AdminAnswer NothingToMatch { get; } = Of(
        412, "Precondition Failed", "If-Match names an ETag, and a client that is yet to be made has none; leave If-Match out.");

    public static AdminAnswer TooLarge { get; } = Of(413, "Content Too Large", "The body has more than 262,144 bytes.");

    public static AdminAnswer BodyNotReceived { get; } = Of(408, "Request Timeout", "The body did not arrive whole and in time.");

    public static AdminAnswer BodyMalformed { get; } = Of(400, "Bad Request", "The body can't be read as HTTP frames it; check Content-Length or the chunks.");

    public static AdminAnswer KeyReused { get; } = Of(
        422, "Unprocessable Content", "This Idempotency-Key was used before with another body; take a new key for a new request.");

    public static AdminAnswer IfMatchMissing { get; } = Of(
        428, "Precondition Required", "PUT replaces the whole document; send If-Match with the ETag that you read, or * for any.");

    /// <summary>The change may or may not have been made; it is safe to repeat.</summary>
    public static AdminAnswer Unavailable { get; } = TryAgain(
        "Storage does not answer at the moment. Whether the change was made is not known; repeating it is safe.");

    /// <summary>Storage did not answer a read, or the caller can't be authenticated now. No change was begun.</summary>
    public static AdminAnswer NothingDone { get; } = TryAgain(
        "Storage does not answer at the moment, and nothing was done. Send the same again.");

    /// <summary>A given secret was not hashed within the time that a request may wait.</summary>
    public static AdminAnswer TooManyGivenSecrets { get; } = TryAgain(
        "More given secrets are being hashed than this node has time for; nothing was made. Send fewer at a time, and this one again.");

    /// <summary>The body has another media type. The accepted one is named as RFC 9110 section 15.5.16 and, for PATCH, RFC 5789 section 2.2 say.</summary>
    public static AdminAnswer MediaType(string expected) =>
        Of(415, "Unsupported Media Type", $"The body must be {expected}, as its Content-Type says.") with
        {
            Headers = [(expected == JsonMergePatch.ContentType ? AdminBody.AcceptPatch : HeaderNames.Accept, expected)],
        };

    /// <summary>The body has a content coding, and no route accepts one (RFC 7694 section 3).</summary>
    public static AdminAnswer ContentEncoding { get; } =
        Of(415, "Unsupported Media Type", "The body must be sent without a Content-Encoding.") with
        {
            Headers = [(HeaderNames.AcceptEncoding, "identity")],
        };

    /// <summary>If-None-Match of a change names the present ETag.</summary>
    public static AdminAnswer Matched { get; } = Of(
        412, "Precondition Failed", "If-None-Match names what is there now; the change was to be made only if it were not.");

    public static AdminAnswer Invalid(string field, string problem) =>
        Invalid(ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(field, problem));

    public static AdminAnswer Invalid(IReadOnlyDictionary<string, string> errors) => Write(new ProblemBody
    {
        Title = "Bad Request",
        Status = 400,
        Detail = "See errors for what is wrong with each field or parameter.",
        Errors = errors.ToImmutableSortedDictionary(error => error.Key, error => (IReadOnlyList<string>)[error.Value], StringComparer.Ordinal),
    });

    /// <summary>No token at all: a challenge without an error (RFC 6750 section 3.1).</summary>
    public static AdminAnswer NoToken { get; } = Of(
        401, "Unauthorized", "Send an access token of this server as Authorization: Bearer.") with
    {
        Challenge = "Bearer realm=\"authcluster\"",
    };

    public static AdminAnswer BadToken { get; } = Of(
        401, "Unauthorized", "The access token is not valid here: it has ended or was revoked, or is not for this server.") with
    {
        Challenge = "Bearer realm=\"authcluster\", error=\"invalid_token\", error_description=\"The access token is expired, revoked or not for this server\"",
    };

    public static AdminAnswer SeveralTokens { get; } = Of(
        400, "Bad Request", "The request carries more than one token, or one in more than one place; send it once, as Authorization: Bearer.") with
    {
        Challenge = "Bearer realm=\"authcluster\", error=\"invalid_request\", error_description=\"The access token was sent more than once\"",
    };

    public static AdminAnswer FormUnreadable { get; } = Of(
        400, "Bad Request", "The form can't be read, so that it may carry another token; send JSON, as Content-Type: application/json, and the token once, as Authorization: Bearer.") with
    {
        Challenge = "Bearer realm=\"authcluster\", error=\"invalid_request\", error_description=\"The form can not be read\"",
    };

    public static AdminAnswer LacksScope(string scope) => Of(403, "Forbidden", $"The access token lacks the scope {scope}.") with
    {
        Challenge = $"Bearer realm=\"authcluster\", error=\"insufficient_scope\", scope=\"{scope}\"",
    };

    public static AdminAnswer Fault(string requestId) => Write(new ProblemBody
    {
        Title = "Internal Server Error",
        Status = 500,
        Detail = "The server made an error; its log has the details under this request id.",
        RequestId = requestId,
    });

    /// <summary>The problem of an outcome other than success.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is a success.</exception>
    public static AdminAnswer Of(ClientOutcome outcome, string what = "client") => outcome switch
    {
        ClientOutcome.NotFound => NotFound(what),
        ClientOutcome.Taken => Taken,
        ClientOutcome.Stale => Stale,
        ClientOutcome.LastSecret => LastSecret,
        ClientOutcome.LastAdmin => LastAdmin,
        ClientOutcome.TooMany => TooManySecrets,
        ClientOutcome.Unavailable => Unavailable,
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };

    /// <summary>The problem of a read, which changes nothing, that found no client.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It found one.</exception>
    public static AdminAnswer OfRead(ClientOutcome outcome) => outcome == ClientOutcome.Unavailable ? NothingDone : Of(outcome);

    private static AdminAnswer TryAgain(string detail) => Of(503, "Service Unavailable", detail) with { RetryAfter = RetryAfter };

    private static AdminAnswer Of(int status, string title, string detail) =>
        Write(new ProblemBody { Title = title, Status = status, Detail = detail });

    private static AdminAnswer Write(ProblemBody problem) => new(problem.Status)
    {
        Body = JsonSerializer.SerializeToUtf8Bytes(problem, AdminJson.Default.ProblemBody),
        ContentType = ProblemBody.MediaType,
    };
}
