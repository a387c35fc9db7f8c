using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;

namespace AuthCluster.Client.AspNetCore;

/// <summary>What happens to a token with a good signature while the server can't say whether it is revoked.</summary>
public enum WhenUnknown
{
    /// <summary>
    /// The request gets 503. A revoked token never passes because of an outage, but an outage of the authorization server that lasts longer than
    /// the list or the cached answer is valid becomes an outage of this API.
    /// </summary>
    Refuse,

    /// <summary>The request goes on. The API survives the outage; a token that was revoked meanwhile works until it expires.</summary>
    Accept,
}

/// <summary>Which tokens an API accepts.</summary>
public sealed class AuthClusterJwtOptions
{
    /// <summary>
    /// The name of the HttpClient that reads metadata and keys, for a proxy: <c>services.AddHttpClient(name)</c> after
    /// <c>AddAuthClusterJwt</c>. Nothing that <c>ConfigureHttpClientDefaults</c> sets reaches it.
    /// </summary>
    public const string KeysHttpClient = "authcluster-keys";

    /// <summary>The issuer, character for character as the server is configured; its metadata (RFC 8414) names the keys.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>This API's audience: a token must name it (RFC 9068 §4).</summary>
    public string Audience { get; set; } = "";

    /// <summary>
    /// How far this machine's clock may be ahead of the server's; a token works for this long after its end.
    /// Default: 30 seconds.
    /// </summary>
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often the server's keys are read again in the background, 1 minute to 1 day. Default: 10 minutes, as long as
    /// the server's own documents may be cached. A token with an unknown key makes them be read at once, every 5 seconds at most.
    /// A server that answers with <c>Retry-After</c> (RFC 9110 §10.2.3) is left alone that long, for a minute at most, plus up to a fifth.
    /// </summary>
    public TimeSpan KeyRefresh { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The name under which this API's own client was registered with <c>AddAuthClusterTokens</c>: the feed and
    /// introspection ask as that client. Default: the unnamed one.
    /// </summary>
    public string Client { get; set; } = "";

    /// <summary>
    /// Allows an issuer that is reached by plain http and is not loopback: an attacker who can change that traffic can forge tokens.
    /// </summary>
    public bool AllowPlainHttp { get; set; }

    internal RevocationFeedOptions? Feed { get; private set; }

    internal IntrospectionOptions? Introspection { get; private set; }

    internal WhenUnknown WhenUnknown { get; private set; }

    /// <summary>
    /// Follows the server's revocation feed in the background: a revoked token, client or key is refused within a second
    /// while the server is reached, and no request waits for the server.
    /// </summary>
    /// <param name="whenUnknown">What happens to tokens when the feed has not answered for <see cref="RevocationFeedOptions.MaxAge"/>.</param>
    /// <param name="options">How it is followed; by default, see there.</param>
    public void FollowRevocations(WhenUnknown whenUnknown, RevocationFeedOptions? options = null)
    {
        (WhenUnknown, Feed, Introspection) = (whenUnknown, options ?? new RevocationFeedOptions(), null);
    }

    /// <summary>
    /// Asks the server about each token that is otherwise good, and reuses an answer for <see cref="IntrospectionOptions.CacheFor"/>; a revoked
    /// token may go on working for that long.
    /// </summary>
    /// <param name="whenUnknown">What happens to tokens when the server does not answer.</param>
    /// <param name="options">Cache and time-out; by default, see there.</param>
    public void Introspect(WhenUnknown whenUnknown, IntrospectionOptions? options = null)
    {
        (WhenUnknown, Feed, Introspection) = (whenUnknown, null, options ?? new IntrospectionOptions());
    }

    /// <exception cref="ArgumentException">The options are not usable; the message names the option and the accepted form.</exception>
    internal void ThrowIfUnusable()
    {
        if (Issuer.Length == 0)
            throw new ArgumentException("Issuer: missing; give the issuer's URL.");
        if (ServerAddress.Problem(Issuer, AllowPlainHttp) is { } problem)
            throw new ArgumentException($"Issuer: {problem}");
        if (Audience.Length == 0)
            throw new ArgumentException("Audience: missing; a token for another API must not be accepted here.");
        if (ClockSkew < TimeSpan.Zero || ClockSkew > TimeSpan.FromMinutes(5))
            throw new ArgumentException("ClockSkew: out of range; 00:00:00 to 00:05:00.");
        if (KeyRefresh < TimeSpan.FromMinutes(1) || KeyRefresh > TimeSpan.FromDays(1))
            throw new ArgumentException("KeyRefresh: out of range; 00:01:00 to 1.00:00:00.");
    }
}
