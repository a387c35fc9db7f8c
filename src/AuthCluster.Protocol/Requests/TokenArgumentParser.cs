
namespace AuthCluster.Protocol.Requests;

/// <summary>A client's request about one token, to the introspection or the revocation endpoint.</summary>
public sealed record TokenArgument
{
    /// <summary>The credentials of the client that asks.</summary>
    public required ClientCredentials Client { get; init; }

    /// <summary>The token; any text. Never empty.</summary>
    public required string Token { get; init; }

    /// <summary>Prints nothing of the token.</summary>
    public override string ToString() => $"TokenArgument({Client.ClientId})";
}

/// <summary>
/// Reads a form with a token and client credentials, for the introspection (RFC 7662 section 2.1) and the revocation
/// endpoint (RFC 7009 section 2.1).
/// </summary>
/// <remarks>
/// Checks the form first, then <c>token</c>, then the credentials, in the order of the token endpoint. Does not read <c>token_type_hint</c>: a
/// hint may be wrong and changes no answer (RFC 7009 section 2.1). Refuses a repeated hint, as any repeated parameter.
/// </remarks>
public static class TokenArgumentParser
{
    /// <summary>Reads a request.</summary>
    public static ParsedRequest<TokenArgument> Parse(in FormInput input)
    {
        var id = PresentedId.None;
        if (FormParameters.Read(input, FormParameter.TokenArgument, out var form) is { } formError)
        {
            return ParsedRequest<TokenArgument>.Refused(formError, id);
        }

        if (form.Token.IsEmpty)
        {
            return ParsedRequest<TokenArgument>.Refused(OAuthError.MissingToken, id);
        }

        if (ClientAuthentication.Read(input.Authorization, form, out var credentials, out id) is { } clientError)
        {
            return ParsedRequest<TokenArgument>.Refused(clientError, id);
        }

        var request = new TokenArgument
        {
            Client = credentials!,
            Token = FormDecoding.ToText(form.Token),
        };
        return ParsedRequest<TokenArgument>.Of(request, credentials!.ClientId);
    }
}
