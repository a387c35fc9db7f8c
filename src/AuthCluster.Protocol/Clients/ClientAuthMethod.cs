namespace AuthCluster.Protocol.Clients;

/// <summary>How a client authenticates (RFC 6749 section 2.3.1; names of RFC 7591 section 2).</summary>
public enum ClientAuthMethod
{
    /// <summary>HTTP Basic: <c>client_secret_basic</c>.</summary>
    ClientSecretBasic,

    /// <summary>Credentials in the form body: <c>client_secret_post</c>.</summary>
    ClientSecretPost,
}

/// <summary>Wire names of <see cref="ClientAuthMethod"/>.</summary>
public static class ClientAuthMethodNames
{
    /// <summary>The name of HTTP Basic.</summary>
    public const string ClientSecretBasic = "client_secret_basic";

    /// <summary>The name of credentials in the body.</summary>
    public const string ClientSecretPost = "client_secret_post";

    /// <summary>The wire name of a method.</summary>
    public static string Name(this ClientAuthMethod method) => method switch
    {
        ClientAuthMethod.ClientSecretBasic => ClientSecretBasic,
        ClientAuthMethod.ClientSecretPost => ClientSecretPost,
        _ => throw new ArgumentOutOfRangeException(nameof(method)),
    };

    /// <summary>Reads a wire name.</summary>
    /// <returns>False when the server knows no method of that name.</returns>
    public static bool TryParse(string? name, out ClientAuthMethod method)
    {
        method = name == ClientSecretPost ? ClientAuthMethod.ClientSecretPost : ClientAuthMethod.ClientSecretBasic;
        return name is ClientSecretBasic or ClientSecretPost;
    }
}
