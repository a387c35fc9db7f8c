namespace AuthCluster.Client;

/// <summary>What may be sent where: secrets and tokens go over https, or to this machine.</summary>
internal static class ServerAddress
{
    /// <summary>True for https, for loopback, and for plain http where that is allowed on purpose.</summary>
    public static bool MayCarrySecrets(Uri address, bool allowPlainHttp) =>
        address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && (allowPlainHttp || address.IsLoopback));

    /// <summary>What is wrong with an address from the configuration, or null.</summary>
    public static string? Problem(string address, bool allowPlainHttp) =>
        !Uri.TryCreate(address, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp)
            ? "not an absolute http or https URL."
            : uri.UserInfo.Length > 0 || uri.Fragment.Length > 0
                ? "holds user information or a fragment; give the plain URL."
                : MayCarrySecrets(uri, allowPlainHttp)
                    ? null
                    : "plain http beyond this machine would show secrets to the network; use https, or set AllowPlainHttp in a closed test network.";
}
