using System.Collections.Immutable;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol.Requests;

/// <summary>
/// Reads a request of the token endpoint (RFC 6749 sections 2.3.1, 3.2, 3.3, 4.4.2 and appendix B; RFC 8707 section 2).
/// Pure: it does no I/O, looks up no client and never throws, whatever a caller sent.
/// </summary>
/// <remarks>
/// <para>The checks, in their order; the first check that fails gives the answer:</para>
/// <list type="number">
/// <item>the form: media type, no credentials in the query string, one Authorization header, number of parameters, percent
/// escapes, UTF-8, no parameter twice (even with an empty value) — 400 <c>invalid_request</c>;</item>
/// <item><c>grant_type</c> is present — 400 <c>invalid_request</c>;</item>
/// <item>the credentials, as <see cref="ClientAuthentication"/> orders them — 400 <c>invalid_request</c> or 401
/// <c>invalid_client</c>;</item>
/// <item>the grant is known — 400 <c>unsupported_grant_type</c>;</item>
/// <item>the syntax of <c>scope</c> — 400 <c>invalid_scope</c>;</item>
/// <item>the syntax of <c>resource</c> and <c>audience</c> — 400 <c>invalid_target</c>.</item>
/// </list>
/// <para>All checks come before any client is looked up, so a malformed request costs no lookup and its answer does not tell
/// whether the client exists.</para>
/// </remarks>
public static class TokenRequestParser
{
    /// <summary>More values of <c>audience</c> and <c>resource</c> than this are refused.</summary>
    public const int MaxTargets = 100;

    /// <summary>Reads a request.</summary>
    public static ParsedRequest<TokenRequest> Parse(in FormInput input)
    {
        var id = PresentedId.None;
        if (FormParameters.Read(input, FormParameter.TokenEndpoint, out var form) is { } formError)
        {
            return ParsedRequest<TokenRequest>.Refused(formError, id);
        }

        if (form.GrantType.IsEmpty)
        {
            return ParsedRequest<TokenRequest>.Refused(OAuthError.MissingGrantType, id);
        }

        if (ClientAuthentication.Read(input.Authorization, form, out var credentials, out id) is { } clientError)
        {
            return ParsedRequest<TokenRequest>.Refused(clientError, id);
        }

        if (!IsClientCredentials(form.GrantType))
        {
            return ParsedRequest<TokenRequest>.Refused(OAuthError.UnsupportedGrantType, id);
        }

        if (ReadScopes(form.Scope, out var scopes) is { } scopeError)
        {
            return ParsedRequest<TokenRequest>.Refused(scopeError, id);
        }

        ImmutableArray<string> audiences = [];
        ImmutableArray<string> resources = [];
        if (form.HasTargets && ReadTargets(input.Body, out audiences, out resources) is { } targetError)
        {
            return ParsedRequest<TokenRequest>.Refused(targetError, id);
        }

        var request = new TokenRequest
        {
            Client = credentials!,
            RequestedScopes = scopes,
            Audiences = audiences,
            Resources = resources,
        };
        return ParsedRequest<TokenRequest>.Of(request, request.Client.ClientId, request.Client.Method);
    }

    private static bool IsClientCredentials(ReadOnlySpan<byte> encoded)
    {
        using var decoded = new FormDecoding.DecodedValue(encoded);
        return decoded.Bytes.SequenceEqual("client_credentials"u8);
    }

    private static OAuthError? ReadScopes(ReadOnlySpan<byte> encoded, out ImmutableArray<string>? scopes)
    {
        scopes = null;
        if (encoded.IsEmpty)
        {
            return null;
        }

        var reading = ScopeSet.TrySplit(FormDecoding.ToText(encoded), ScopeSet.MaxScopes, out var items);
        scopes = items;
        return reading switch
        {
            ScopeReading.Good => null,
            ScopeReading.TooMany => OAuthError.TooManyScopes,
            _ => OAuthError.ScopeSyntax,
        };
    }

    private static OAuthError? ReadTargets(ReadOnlySpan<byte> body, out ImmutableArray<string> audiences, out ImmutableArray<string> resources)
    {
        var foundAudiences = ImmutableArray.CreateBuilder<string>();
        var foundResources = ImmutableArray.CreateBuilder<string>();
        audiences = [];
        resources = [];
        foreach (var pair in new FormPairs(body))
        {
            if (pair.Value.IsEmpty)
            {
                continue;
            }

            var error = FormParameters.NameOf(pair.Name) switch
            {
                FormParameter.Audience => AddAudiences(FormDecoding.ToText(pair.Value), foundAudiences),
                FormParameter.Resource => AddResource(FormDecoding.ToText(pair.Value), foundResources),
                _ => null,
            };
            if (error is not null)
            {
                return error;
            }

            if (foundAudiences.Count + foundResources.Count > MaxTargets)
            {
                return OAuthError.TooManyTargets;
            }
        }

        audiences = foundAudiences.DrainToImmutable();
        resources = foundResources.DrainToImmutable();
        return null;
    }

    /// <summary>Reads one or more audiences: callers of other servers send several in one value, separated by spaces.</summary>
    private static OAuthError? AddAudiences(string text, ImmutableArray<string>.Builder found)
    {
        foreach (var range in text.AsSpan().Split(' '))
        {
            if (range.Start.Value == range.End.Value)
            {
                continue;
            }

            var audience = text[range];
            if (!Audience.IsAcceptable(audience))
            {
                return OAuthError.AudienceSyntax;
            }

            found.Add(audience);
            if (found.Count > MaxTargets)
            {
                return OAuthError.TooManyTargets;
            }
        }

        return null;
    }

    private static OAuthError? AddResource(string text, ImmutableArray<string>.Builder found)
    {
        found.Add(text);
        return Audience.IsAbsoluteUri(text) ? null : OAuthError.ResourceNotAbsolute;
    }
}
