namespace AuthCluster.Client;

/// <summary>Where the authorization server is, and what may be sent where: secrets, tokens and keys go over https, or stay on this machine.</summary>
public static class ServerAddress
{
    /// <summary>True for https, for loopback, and for plain http where that is allowed on purpose.</summary>
    /// <param name="address">An absolute address.</param>
    /// <param name="allowPlainHttp">Whether plain http beyond this machine is allowed.</param>
    public static bool MayCarrySecrets(Uri address, bool allowPlainHttp)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && (allowPlainHttp || address.IsLoopback));
    }

    /// <summary>What is wrong with an address from the configuration, as half a sentence, or null.</summary>
    /// <param name="address">The address as it was given.</param>
    /// <param name="allowPlainHttp">Whether plain http beyond this machine is allowed.</param>
    public static string? Problem(string address, bool allowPlainHttp) =>
        !Uri.TryCreate(address, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp)
            ? "not an absolute http or https URL."
            : uri.UserInfo.Length > 0 || uri.Fragment.Length > 0
                ? "holds user information or a fragment; give the plain URL."
                : MayCarrySecrets(uri, allowPlainHttp)
                    ? null
                    : "plain http beyond this machine would show secrets to the network; use https, or set AllowPlainHttp in a closed test network.";

    /// <summary>Where the metadata of an issuer is: for one with a path, between host and path (RFC 8414 §3.1).</summary>
    /// <param name="issuer">The issuer, an absolute URL.</param>
    public static Uri MetadataOf(string issuer)
    {
        var uri = new Uri(issuer);
        return new Uri(uri.GetLeftPart(UriPartial.Authority) + "/.well-known/oauth-authorization-server" + uri.AbsolutePath.TrimEnd('/'));
    }
}
