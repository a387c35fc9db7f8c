using System.Text;

namespace AuthCluster.Protocol.Requests;

/// <summary>The parameters that the OAuth endpoints know.</summary>
[Flags]
internal enum FormParameter
{
    None = 0,
    GrantType = 1,
    Scope = 2,
    ClientId = 4,
    ClientSecret = 8,
    ClientAssertion = 16,
    ClientAssertionType = 32,
    Token = 64,
    TokenTypeHint = 128,
    Resource = 256,
    Audience = 512,

    /// <summary>A bearer token in a form or a query string (RFC 6750 section 2.3), which no endpoint takes.</summary>
    AccessToken = 1024,

    /// <summary>The parameters by which a client authenticates; every endpoint knows them.</summary>
    Client = ClientId | ClientSecret | ClientAssertion | ClientAssertionType,

    /// <summary>The parameters that the token endpoint knows.</summary>
    TokenEndpoint = Client | GrantType | Scope | Resource | Audience,

    /// <summary>The parameters that introspection and revocation know.</summary>
    TokenArgument = Client | Token | TokenTypeHint,

    /// <summary>The parameters that must not be sent in a query string.</summary>
    Secrets = Client | Token | AccessToken,

    /// <summary>The parameters that may be sent more than once (RFC 8707 section 2).</summary>
    Repeatable = Resource | Audience,
}

/// <summary>
/// The known parameters of a form, found in one pass and not yet decoded. An empty value counts as absent
/// (RFC 6749 section 3.2); unknown parameters are ignored.
/// </summary>
internal ref struct FormParameters
{
    /// <summary>More parameters than this are refused; in a body of 16 KiB so many have at most one character each on average.</summary>
    public const int MaxParameters = 8_192;

    /// <summary>The longest known name, <c>client_assertion_type</c>, with every character escaped.</summary>
    private const int MaxEncodedName = 63;

    private const string FormMediaType = "application/x-www-form-urlencoded";

    private FormParameter _seen;

    public ReadOnlySpan<byte> GrantType { get; private set; }

    public ReadOnlySpan<byte> Scope { get; private set; }

    public ReadOnlySpan<byte> ClientId { get; private set; }

    public ReadOnlySpan<byte> ClientSecret { get; private set; }

    public ReadOnlySpan<byte> ClientAssertion { get; private set; }

    public ReadOnlySpan<byte> ClientAssertionType { get; private set; }

    public ReadOnlySpan<byte> Token { get; private set; }

    /// <summary>Whether there is a <c>resource</c> or an <c>audience</c>; a second pass over the body reads their values.</summary>
    public readonly bool HasTargets => (_seen & FormParameter.Repeatable) != 0;

    /// <summary>Reads a form.</summary>
    /// <param name="input">The request.</param>
    /// <param name="known">The parameters that the endpoint knows.</param>
    /// <param name="parameters">The parameters of the form.</param>
    /// <returns>What is wrong with the form, or null.</returns>
    public static OAuthError? Read(in FormInput input, FormParameter known, out FormParameters parameters)
    {
        parameters = default;
        if (!IsForm(input.ContentType))
        {
            return OAuthError.NotAForm;
        }

        if (QueryHasCredentials(input.QueryString))
        {
            return OAuthError.CredentialsInQueryString;
        }

        if (input.Authorization.Length > 1)
        {
            return OAuthError.SeveralAuthorizationHeaders;
        }

        if (input.Body.Count((byte)'&') >= MaxParameters)
        {
            return OAuthError.TooManyParameters;
        }

        if (!FormDecoding.HasGoodEscapes(input.Body))
        {
            return OAuthError.MalformedForm;
        }

        if (!FormDecoding.IsUtf8(input.Body))
        {
            return OAuthError.FormNotUtf8;
        }

        return parameters.Find(input.Body, known) ? null : OAuthError.RepeatedParameter;
    }

    /// <summary>Whether a query string has a parameter of a client's or an API's credentials, or a token.</summary>
    public static bool QueryHasCredentials(ReadOnlySpan<char> query)
    {
        query = query.TrimStart('?');
        if (query.IsEmpty)
        {
            return false;
        }

        var utf8 = new byte[Encoding.UTF8.GetByteCount(query)];
        Encoding.UTF8.GetBytes(query, utf8);
        foreach (var pair in new FormPairs(utf8))
        {
            if (FormDecoding.HasGoodEscapes(pair.Name) && (NameOf(pair.Name) & FormParameter.Secrets) != 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsForm(ReadOnlySpan<char> contentType)
    {
        var parameters = contentType.IndexOf(';');
        var mediaType = parameters < 0 ? contentType : contentType[..parameters];
        return mediaType.Trim(' ').Equals(FormMediaType, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Which parameter an encoded name means; none when it is not known.</summary>
    public static FormParameter NameOf(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length > MaxEncodedName)
        {
            return FormParameter.None;
        }

        Span<byte> buffer = stackalloc byte[MaxEncodedName];
        var name = encoded.Contains((byte)'%') ? buffer[..FormDecoding.Decode(encoded, buffer)] : encoded;
        return name.Length switch
        {
            5 when name.SequenceEqual("scope"u8) => FormParameter.Scope,
            5 when name.SequenceEqual("token"u8) => FormParameter.Token,
            8 when name.SequenceEqual("resource"u8) => FormParameter.Resource,
            8 when name.SequenceEqual("audience"u8) => FormParameter.Audience,
            9 when name.SequenceEqual("client_id"u8) => FormParameter.ClientId,
            10 when name.SequenceEqual("grant_type"u8) => FormParameter.GrantType,
            12 when name.SequenceEqual("access_token"u8) => FormParameter.AccessToken,
            13 when name.SequenceEqual("client_secret"u8) => FormParameter.ClientSecret,
            15 when name.SequenceEqual("token_type_hint"u8) => FormParameter.TokenTypeHint,
            16 when name.SequenceEqual("client_assertion"u8) => FormParameter.ClientAssertion,
            21 when name.SequenceEqual("client_assertion_type"u8) => FormParameter.ClientAssertionType,
            _ => FormParameter.None,
        };
    }

    /// <returns>False when a parameter that may be sent only once is repeated, even with an empty value.</returns>
    private bool Find(ReadOnlySpan<byte> body, FormParameter known)
    {
        foreach (var pair in new FormPairs(body))
        {
            var name = NameOf(pair.Name) & known;
            if (name == FormParameter.None)
            {
                continue;
            }

            if ((_seen & name & ~FormParameter.Repeatable) != 0)
            {
                return false;
            }

            _seen |= name;
            Keep(name, pair.Value);
        }

        return true;
    }

    private void Keep(FormParameter name, ReadOnlySpan<byte> value)
    {
        switch (name)
        {
            case FormParameter.GrantType:
                GrantType = value;
                break;
            case FormParameter.Scope:
                Scope = value;
                break;
            case FormParameter.ClientId:
                ClientId = value;
                break;
            case FormParameter.ClientSecret:
                ClientSecret = value;
                break;
            case FormParameter.ClientAssertion:
                ClientAssertion = value;
                break;
            case FormParameter.ClientAssertionType:
                ClientAssertionType = value;
                break;
            case FormParameter.Token:
                Token = value;
                break;
        }
    }
}
