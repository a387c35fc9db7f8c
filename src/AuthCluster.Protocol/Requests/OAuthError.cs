using System.Text.Json;

namespace AuthCluster.Protocol.Requests;

/// <summary>
/// The error by which a request is refused (RFC 6749 section 5.2): a closed set, one instance for each rule. Code, text and
/// status are fixed; they never contain the caller's input.
/// </summary>
/// <remarks>Texts hold only <c>%x20-21 / %x23-5B / %x5D-7E</c>, as section 5.2 demands, and name the remedy.</remarks>
public sealed class OAuthError
{
    /// <summary>The media type is not that of a form.</summary>
    public static readonly OAuthError NotAForm = Request("The request body must be application/x-www-form-urlencoded");

    /// <summary>Credentials or a token in the query string, where they would be logged (RFC 6749 section 2.3.1).</summary>
    public static readonly OAuthError CredentialsInQueryString = Request("Credentials must not be sent in the query string; send them in the body or in the Authorization header");

    /// <summary>More than one Authorization header.</summary>
    public static readonly OAuthError SeveralAuthorizationHeaders = Request("The request has more than one Authorization header");

    /// <summary>More parameters than any caller needs.</summary>
    public static readonly OAuthError TooManyParameters = Request("The request body has too many parameters");

    /// <summary>A percent sign without two hexadecimal digits after it.</summary>
    public static readonly OAuthError MalformedForm = Request("The request body has a percent sign without two hexadecimal digits after it");

    /// <summary>The decoded form is not UTF-8 (RFC 6749 appendix B).</summary>
    public static readonly OAuthError FormNotUtf8 = Request("The request body is not UTF-8 once it is decoded");

    /// <summary>A parameter that may be sent only once is repeated (RFC 6749 section 3.2).</summary>
    public static readonly OAuthError RepeatedParameter = Request("A parameter is repeated that may be sent only once");

    /// <summary>No <c>grant_type</c>, or an empty one.</summary>
    public static readonly OAuthError MissingGrantType = Request("The parameter grant_type is missing");

    /// <summary>No <c>token</c>, or an empty one (RFC 7009 section 2.1, RFC 7662 section 2.1).</summary>
    public static readonly OAuthError MissingToken = Request("The parameter token is missing");

    /// <summary>More than one authentication method (RFC 6749 section 2.3).</summary>
    public static readonly OAuthError SeveralClientAuthenticationMethods = Request("The client used more than one authentication method; use one");

    /// <summary>The Basic header and the body name two clients.</summary>
    public static readonly OAuthError ClientIdMismatch = Request("The client_id of the body is not that of the Authorization header");

    /// <summary>A method other than POST.</summary>
    public static readonly OAuthError MethodNotAllowed = Request("This endpoint takes POST only", 405);

    /// <summary>A method other than GET.</summary>
    public static readonly OAuthError MethodNotGet = Request("This endpoint takes GET only", 405);

    /// <summary>A method other than GET and HEAD.</summary>
    public static readonly OAuthError MethodNotGetOrHead = Request("This endpoint takes GET and HEAD only", 405);

    /// <summary>A <c>wait</c> of the revocation feed that is no whole number of seconds.</summary>
    public static readonly OAuthError MalformedWait = Request("The parameter wait must be a whole number of seconds");

    /// <summary>The body was cut off, or did not arrive in time.</summary>
    public static readonly OAuthError BodyNotReceived = Request("The request body did not arrive whole and in time", 408);

    /// <summary>The body is larger than the endpoint takes.</summary>
    public static readonly OAuthError BodyTooLarge = Request("The request body is too large", 413);

    /// <summary>A body with a <c>Content-Encoding</c>; the server never decompresses a body.</summary>
    public static readonly OAuthError ContentEncodingNotSupported = Request("The request body must not have a Content-Encoding", 415);

    /// <summary>A body with malformed chunks (RFC 9112 section 7.1).</summary>
    public static readonly OAuthError MalformedBody = Request("The request body is not framed as HTTP has it");

    /// <summary>No credentials, or half of them.</summary>
    public static readonly OAuthError NoClientCredentials = Client("The request has no client credentials; send client_id and client_secret by HTTP Basic or in the body");

    /// <summary>An Authorization header of another scheme than Basic.</summary>
    public static readonly OAuthError AuthorizationSchemeNotBasic = Client("The Authorization header must use the Basic scheme");

    /// <summary>A Basic header that can't be read (RFC 6749 section 2.3.1).</summary>
    public static readonly OAuthError MalformedBasicCredentials = Client("The Basic credentials must be base64 of the form-encoded client_id, a colon and the form-encoded client_secret");

    /// <summary>An authentication method that the server does not offer.</summary>
    public static readonly OAuthError ClientAuthenticationMethodNotSupported = Client("Client assertions are not supported; use client_secret_basic or client_secret_post");

    /// <summary>
    /// Unknown client, wrong secret, disabled client, expired secret, or a method that the client is not registered for.
    /// All have the same answer, so that a caller can't tell them apart.
    /// </summary>
    public static readonly OAuthError ClientAuthenticationFailed = Client("Client authentication failed");

    /// <summary>A grant type that the server does not know.</summary>
    public static readonly OAuthError UnsupportedGrantType = new(OAuthErrorCodes.UnsupportedGrantType, "The grant type is not supported; use client_credentials");

    /// <summary>The client is not registered for the grant.</summary>
    public static readonly OAuthError GrantNotAllowed = new(OAuthErrorCodes.UnauthorizedClient, "The client is not registered for this grant type");

    /// <summary>A token that was issued to another client (RFC 7009 section 2.1).</summary>
    public static readonly OAuthError TokenOfAnotherClient = new(OAuthErrorCodes.UnauthorizedClient, "The token was not issued to this client");

    /// <summary>A scope outside the syntax of RFC 6749 section 3.3.</summary>
    public static readonly OAuthError ScopeSyntax = new(OAuthErrorCodes.InvalidScope, "The scope is malformed; separate scopes by one space");

    /// <summary>More different scopes than a client can have.</summary>
    public static readonly OAuthError TooManyScopes = new(OAuthErrorCodes.InvalidScope, "More scopes are requested than a client can have");

    /// <summary>A scope that is not registered for the client.</summary>
    public static readonly OAuthError ScopeNotAllowed = new(OAuthErrorCodes.InvalidScope, "A requested scope is not registered for this client");

    /// <summary>A <c>resource</c> that is no absolute URI, or has a fragment (RFC 8707 section 2).</summary>
    public static readonly OAuthError ResourceNotAbsolute = new(OAuthErrorCodes.InvalidTarget, "A resource must be an absolute URI without a fragment");

    /// <summary>An <c>audience</c> that no client can have.</summary>
    public static readonly OAuthError AudienceSyntax = new(OAuthErrorCodes.InvalidTarget, "An audience must be 1 to 512 printable ASCII characters without a fragment");

    /// <summary>More audiences than a client can have.</summary>
    public static readonly OAuthError TooManyTargets = new(OAuthErrorCodes.InvalidTarget, "More audiences are requested than a client can have");

    /// <summary>An audience or resource that the token may not have (RFC 8707 section 2).</summary>
    public static readonly OAuthError TargetNotAllowed = new(OAuthErrorCodes.InvalidTarget, "A requested audience or resource is not allowed for this client and these scopes");

    /// <summary>The caller lacks the right that the endpoint asks for (RFC 6750 section 3.1).</summary>
    public static readonly OAuthError InsufficientScope = new(OAuthErrorCodes.InsufficientScope, "The client is not registered for this endpoint", 403);

    /// <summary>The client is over its rate limit (RFC 6585 section 4).</summary>
    public static readonly OAuthError RateLimited = new(OAuthErrorCodes.SlowDown, "The client is over its rate limit; retry after the time that Retry-After names", 429);

    /// <summary>The client is over its quota (RFC 6585 section 4).</summary>
    public static readonly OAuthError QuotaExceeded = new(OAuthErrorCodes.SlowDown, "The client is over its quota; retry after the time that Retry-After names", 429);

    /// <summary>The client already has as many revoked tokens as the server keeps.</summary>
    public static readonly OAuthError TooManyRevocations = new(OAuthErrorCodes.SlowDown, "Too many tokens of this client are revoked one by one; revoke all of its tokens instead", 429);

    /// <summary>The cluster can't answer now.</summary>
    public static readonly OAuthError TemporarilyUnavailable = new(OAuthErrorCodes.TemporarilyUnavailable, "The server can not answer now; retry after the time that Retry-After names", 503);

    /// <summary>A fault of the server.</summary>
    public static readonly OAuthError ServerError = new(OAuthErrorCodes.ServerError, "The server met an unexpected condition", 500);

    private OAuthError(string code, string description, int status = 400)
    {
        Code = code;
        Description = description;
        Status = status;
        Body = BodyWith(correlationId: null);
    }

    /// <summary>The value of <c>error</c>; one of <see cref="OAuthErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>The value of <c>error_description</c>.</summary>
    public string Description { get; }

    /// <summary>The HTTP status.</summary>
    public int Status { get; }

    /// <summary>The JSON body, as it is sent.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The JSON body of a fault that an operator has to look up in the log.</summary>
    /// <param name="correlationId">The id by which the log shows the fault: <c>correlation_id</c>.</param>
    public byte[] BodyWith(string? correlationId) =>
        JsonSerializer.SerializeToUtf8Bytes(new ErrorDocument(Code, Description, correlationId), ProtocolJson.Default.ErrorDocument);

    /// <summary>The code and the text.</summary>
    public override string ToString() => $"{Code}: {Description}";

    private static OAuthError Request(string description, int status = 400) => new(OAuthErrorCodes.InvalidRequest, description, status);

    private static OAuthError Client(string description) => new(OAuthErrorCodes.InvalidClient, description, 401);
}

/// <summary>The members of an error's body in their order.</summary>
internal sealed record ErrorDocument(string Error, string ErrorDescription, string? CorrelationId);

/// <summary>Values of <c>error</c>.</summary>
public static class OAuthErrorCodes
{
    /// <summary>RFC 6749 section 5.2.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>RFC 6749 section 5.2.</summary>
    public const string InvalidClient = "invalid_client";

    /// <summary>RFC 6749 section 5.2.</summary>
    public const string UnauthorizedClient = "unauthorized_client";

    /// <summary>RFC 6749 section 5.2.</summary>
    public const string UnsupportedGrantType = "unsupported_grant_type";

    /// <summary>RFC 6749 section 5.2.</summary>
    public const string InvalidScope = "invalid_scope";

    /// <summary>RFC 8707 section 2.</summary>
    public const string InvalidTarget = "invalid_target";

    /// <summary>RFC 6750 section 3.1.</summary>
    public const string InsufficientScope = "insufficient_scope";

    /// <summary>RFC 8628 section 3.5 defines the word; this server uses it when a limit or a quota is spent.</summary>
    public const string SlowDown = "slow_down";

    /// <summary>RFC 6749 section 4.1.2.1 defines the word.</summary>
    public const string TemporarilyUnavailable = "temporarily_unavailable";

    /// <summary>RFC 6749 section 4.1.2.1 defines the word.</summary>
    public const string ServerError = "server_error";
}
