using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace AuthCluster.Protocol.Metadata;

/// <summary>
/// An issuer identifier (RFC 8414 section 2): an <c>https</c> URL, or <c>http</c> where the operator allows it, without
/// query and fragment. It is kept character for character, because readers compare it as text.
/// </summary>
public sealed record IssuerUri
{
    /// <summary>Longest issuer, in characters.</summary>
    public const int MaxLength = 512;

    private const string MetadataPrefix = "/.well-known/oauth-authorization-server";
    private const string OpenIdSuffix = "/.well-known/openid-configuration";

    private static readonly SearchValues<char> PathCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/");

    private IssuerUri(string value, Uri uri)
    {
        Value = value;
        IsHttps = uri.Scheme == Uri.UriSchemeHttps;
        IsLoopback = uri.IsLoopback || (IPAddress.TryParse(uri.DnsSafeHost, out var address) && IPAddress.IsLoopback(address));
        Path = uri.AbsolutePath.TrimEnd('/');
    }

    /// <summary>The issuer as it was given: the value of <c>iss</c>.</summary>
    public string Value { get; }

    /// <summary>Whether it is an <c>https</c> URL.</summary>
    public bool IsHttps { get; }

    /// <summary>Whether its host is this machine.</summary>
    public bool IsLoopback { get; }

    /// <summary>Its path without a trailing slash; empty when it has none.</summary>
    public string Path { get; }

    /// <summary>The path of the metadata document: the well-known path stands between host and path (RFC 8414 section 3.1).</summary>
    public string MetadataPath => MetadataPrefix + Path;

    /// <summary>The path of the OpenID document in OpenID Connect Discovery 1.0 section 4: the well-known path comes after the path.</summary>
    public string OpenIdConfigurationPath => Path + OpenIdSuffix;

    /// <summary>The path of the OpenID document in RFC 8414 section 5: the well-known path stands between host and path.</summary>
    public string OpenIdConfigurationInsertedPath => OpenIdSuffix + Path;

    /// <summary>Reads an issuer.</summary>
    /// <param name="text">The text.</param>
    /// <param name="issuer">The issuer, when the text is one.</param>
    /// <param name="problem">What is wrong with the text, as a sentence without its subject, when it is no issuer.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out IssuerUri? issuer, [NotNullWhen(false)] out string? problem)
    {
        issuer = null;
        problem = ProblemOf(text, out var uri);
        if (problem is null && uri is not null)
        {
            issuer = new IssuerUri(text!, uri);
        }

        return issuer is not null;
    }

    /// <summary>The URL of an endpoint below the issuer.</summary>
    /// <param name="path">The endpoint's path, with its leading slash.</param>
    public string UrlOf(string path) => Value.TrimEnd('/') + path;

    /// <summary>The issuer as it was given.</summary>
    public override string ToString() => Value;

    private static string? ProblemOf(string? text, out Uri? uri)
    {
        uri = null;
        if (string.IsNullOrEmpty(text))
        {
            return "is empty; give a URL such as https://auth.example.com";
        }

        if (text.Length > MaxLength)
        {
            return "is longer than 512 characters";
        }

        if (text.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return "has a space or a character outside printable ASCII";
        }

        // Uri.TryCreate would accept a file system path as an absolute URI, and would turn backslashes into slashes.
        if (!(text.StartsWith("https://", StringComparison.Ordinal) || text.StartsWith("http://", StringComparison.Ordinal))
            || !Uri.TryCreate(text, UriKind.Absolute, out uri)
            || uri.Host.Length == 0)
        {
            return "is not an absolute URL that begins with https:// (or http://), in lower case, and names a host";
        }

        if (text.Contains('?', StringComparison.Ordinal) || text.Contains('#', StringComparison.Ordinal))
        {
            return "has a query or a fragment, which an issuer can't have";
        }

        if (uri.UserInfo.Length > 0 || text.Contains('@', StringComparison.Ordinal))
        {
            return "has a user name, which an issuer can't have";
        }

        var authority = text.IndexOf("//", StringComparison.Ordinal) + 2;
        var slash = text.IndexOf('/', authority);
        var path = slash < 0 ? "" : text[slash..];
        if (path.AsSpan().ContainsAnyExcept(PathCharacters)
            || path.Contains("//", StringComparison.Ordinal)
            || path.Split('/').Any(segment => segment is "." or ".."))
        {
            return "has a path with other characters than letters, digits, - . _ ~ and single slashes";
        }

        return null;
    }
}
