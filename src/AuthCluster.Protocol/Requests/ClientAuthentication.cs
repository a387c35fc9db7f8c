using System.Buffers;
using System.Buffers.Text;
using System.Text;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Protocol.Requests;

/// <summary>
/// Reads a client's credentials (RFC 6749 section 2.3) for the token, introspection and revocation endpoints and for
/// the revocation feed. It does not check whether the secret is right.
/// </summary>
/// <remarks>
/// The checks, in their order: the scheme is Basic (401), there is only one method (400), no assertion is sent (401), the Basic
/// credentials can be read (401), both ids agree (400), id and secret are present (401), the id is in the grammar (401, with the same
/// answer as for an unknown client).
/// </remarks>
public static class ClientAuthentication
{
    private const string BasicScheme = "Basic";

    /// <summary>Reads credentials from the Authorization header only, for a request without a form.</summary>
    /// <param name="authorization">The values of all Authorization headers.</param>
    /// <param name="queryString">The query string, not decoded.</param>
    public static ParsedRequest<ClientCredentials> ParseHeader(ReadOnlySpan<string?> authorization, ReadOnlySpan<char> queryString)
    {
        if (FormParameters.QueryHasCredentials(queryString))
        {
            return ParsedRequest<ClientCredentials>.Refused(OAuthError.CredentialsInQueryString, PresentedId.None);
        }

        if (authorization.Length > 1)
        {
            return ParsedRequest<ClientCredentials>.Refused(OAuthError.SeveralAuthorizationHeaders, PresentedId.None);
        }

        return Read(authorization, default, out var credentials, out var id) is { } error
            ? ParsedRequest<ClientCredentials>.Refused(error, id)
            : ParsedRequest<ClientCredentials>.Of(credentials!, credentials!.ClientId);
    }

    /// <summary>Reads the credentials of a request whose form has been read.</summary>
    /// <returns>What is wrong, or null.</returns>
    internal static OAuthError? Read(
        ReadOnlySpan<string?> authorization, in FormParameters form, out ClientCredentials? credentials, out PresentedId id)
    {
        credentials = null;
        id = PresentedId.None;
        var header = authorization.IsEmpty ? default : authorization[0].AsSpan().Trim(' ');
        var hasAssertion = !form.ClientAssertion.IsEmpty || !form.ClientAssertionType.IsEmpty;
        var hasBodySecret = !form.ClientSecret.IsEmpty;

        if (!header.IsEmpty && !IsBasic(header))
        {
            return OAuthError.AuthorizationSchemeNotBasic;
        }

        if ((header.IsEmpty ? 0 : 1) + (hasBodySecret ? 1 : 0) + (hasAssertion ? 1 : 0) > 1)
        {
            return OAuthError.SeveralClientAuthenticationMethods;
        }

        if (hasAssertion)
        {
            return OAuthError.ClientAuthenticationMethodNotSupported;
        }

        var error = header.IsEmpty ? ReadBody(form, out credentials, out id) : ReadBasic(header, form, out credentials, out id);
        id = id with
        {
            Method = !header.IsEmpty ? ClientAuthMethod.ClientSecretBasic : hasBodySecret ? ClientAuthMethod.ClientSecretPost : null,
        };
        return error;
    }

    private static bool IsBasic(ReadOnlySpan<char> header) =>
        header.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase)
        && (header.Length == BasicScheme.Length || header[BasicScheme.Length] == ' ');

    private static OAuthError? ReadBody(in FormParameters form, out ClientCredentials? credentials, out PresentedId id)
    {
        credentials = null;
        id = IdOf(form.ClientId);
        if (form.ClientId.IsEmpty || form.ClientSecret.IsEmpty)
        {
            return OAuthError.NoClientCredentials;
        }

        if (id.ClientId is not { } clientId)
        {
            return OAuthError.ClientAuthenticationFailed;
        }

        credentials = new ClientCredentials
        {
            ClientId = clientId,
            Secret = FormDecoding.ToBytes(form.ClientSecret),
            Method = ClientAuthMethod.ClientSecretPost,
        };
        return null;
    }

    /// <summary>HTTP Basic: base64 of form(id), a colon, form(secret). The first colon separates them (RFC 6749 section 2.3.1, RFC 7617).</summary>
    private static OAuthError? ReadBasic(
        ReadOnlySpan<char> header, in FormParameters form, out ClientCredentials? credentials, out PresentedId id)
    {
        credentials = null;
        id = PresentedId.None;
        var token = header[BasicScheme.Length..].TrimStart(' ');
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(token.Length, 1));
        try
        {
            if (!TryDecodeBase64(token, buffer, out var length))
            {
                return OAuthError.MalformedBasicCredentials;
            }

            var pair = buffer.AsSpan(0, length);
            var colon = pair.IndexOf((byte)':');
            if (colon < 0 || !FormDecoding.HasGoodEscapes(pair) || !FormDecoding.IsUtf8(pair))
            {
                return OAuthError.MalformedBasicCredentials;
            }

            return ReadPair(pair[..colon], pair[(colon + 1)..], form, out credentials, out id);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    private static OAuthError? ReadPair(
        ReadOnlySpan<byte> encodedId, ReadOnlySpan<byte> encodedSecret, in FormParameters form, out ClientCredentials? credentials, out PresentedId id)
    {
        credentials = null;
        id = IdOf(encodedId);
        if (!form.ClientId.IsEmpty && !SameText(encodedId, form.ClientId))
        {
            return OAuthError.ClientIdMismatch;
        }

        if (encodedId.IsEmpty || encodedSecret.IsEmpty)
        {
            return OAuthError.NoClientCredentials;
        }

        if (id.ClientId is not { } clientId)
        {
            return OAuthError.ClientAuthenticationFailed;
        }

        credentials = new ClientCredentials
        {
            ClientId = clientId,
            Secret = FormDecoding.ToBytes(encodedSecret),
            Method = ClientAuthMethod.ClientSecretBasic,
        };
        return null;
    }

    private static PresentedId IdOf(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty)
        {
            return PresentedId.None;
        }

        using var decoded = new FormDecoding.DecodedValue(encoded);
        return ClientId.TryParse(decoded.Bytes, out var clientId) ? new PresentedId(clientId, false) : PresentedId.Masked;
    }

    private static bool SameText(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> otherEncoded)
    {
        using var decoded = new FormDecoding.DecodedValue(encoded);
        using var other = new FormDecoding.DecodedValue(otherEncoded);
        return decoded.Bytes.SequenceEqual(other.Bytes);
    }

    /// <summary>Decodes strict base64 with its padding; the decoder of the BCL alone would skip white space.</summary>
    private static bool TryDecodeBase64(ReadOnlySpan<char> text, byte[] buffer, out int length)
    {
        length = 0;
        if (text.IsEmpty || text.ContainsAnyExcept(Base64Characters))
        {
            return false;
        }

        var encoded = buffer.AsSpan(0, Encoding.ASCII.GetBytes(text, buffer));
        return Base64.DecodeFromUtf8InPlace(encoded, out length) == OperationStatus.Done;
    }

    private static readonly SearchValues<char> Base64Characters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");
}
