namespace AuthCluster.Client;

/// <summary>How a client authenticates at the authorization server (RFC 6749 §2.3.1).</summary>
public enum ClientAuthentication
{
    /// <summary>Id and secret in an HTTP Basic header: keeps them out of bodies, which more software logs.</summary>
    Basic,

    /// <summary>Id and secret as form fields.</summary>
    Post,
}

/// <summary>
/// One registered client and the server that gives it tokens. Bound from configuration and read again for each token
/// request, so that a reloaded configuration takes effect without a restart.
/// </summary>
public sealed class AuthClusterTokenOptions
{
    /// <summary>
    /// The issuer, character for character as the server is configured (<c>https://auth.example.com</c>). Its metadata
    /// (RFC 8414) names the endpoints. Either this or <see cref="TokenEndpoint"/> is required.
    /// </summary>
    public string? Issuer { get; set; }

    /// <summary>The token endpoint's URL; with it, no metadata is asked for before a token is.</summary>
    public string? TokenEndpoint { get; set; }

    /// <summary>The registered client's id.</summary>
    public string? ClientId { get; set; }

    /// <summary>The client's secret. Give this, <see cref="ClientSecretFile"/> or <see cref="ReadSecretWith"/>, and one only.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>
    /// A file that holds the secret; a trailing newline is dropped. It is read for every token request, so a rotated
    /// secret needs no restart.
    /// </summary>
    public string? ClientSecretFile { get; set; }

    /// <summary>How id and secret are sent. Default: <see cref="ClientAuthentication.Basic"/>.</summary>
    public ClientAuthentication Authentication { get; set; }

    /// <summary>The scopes to ask for, space separated, when a caller names none. Empty: the client's default scopes.</summary>
    public string? Scope { get; set; }

    /// <summary>The audience to ask for when a caller names none. Empty: all audiences of the client.</summary>
    public string? Audience { get; set; }

    /// <summary>Longest wait for one answer of the server, 1 second to 2 minutes. Default: 10 seconds, above the server's own deadline of 8.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest time for a token, repeats included, 1 second to 10 minutes. Default: 30 seconds. A pause that would outlast it,
    /// or a <c>Retry-After</c> of more than 10 seconds, ends the call at once: <see cref="AuthClusterException.RetryAfter"/> has the time.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request that failed for a passing reason is repeated within <see cref="Timeout"/>, 0 to 10. Default: 4.</summary>
    public int MaxRetries { get; set; } = 4;

    /// <summary>
    /// Allows a server that is reached by plain http and is not loopback. Whoever can read that network then has the
    /// secret, so this belongs in a closed test network only.
    /// </summary>
    public bool AllowPlainHttp { get; set; }

    internal Func<CancellationToken, ValueTask<string>>? SecretReader { get; private set; }

    /// <summary>
    /// Takes the secret from elsewhere: a vault, an agent. Called for every token request (one for each token lifetime)
    /// and once more when the server has refused the secret, so it need not cache.
    /// </summary>
    /// <param name="read">Answers the present secret.</param>
    public void ReadSecretWith(Func<CancellationToken, ValueTask<string>> read) => SecretReader = read;
}
