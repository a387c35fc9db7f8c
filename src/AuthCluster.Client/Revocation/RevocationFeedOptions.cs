namespace AuthCluster.Client.Revocation;

/// <summary>How the revocation feed is followed.</summary>
/// <remarks>
/// A server that answers with <c>Retry-After</c> (RFC 9110 §10.2.3) is left alone that long, but for 5 seconds at most, plus
/// up to a fifth: revocations must not wait.
/// </remarks>
public sealed class RevocationFeedOptions
{
    /// <summary>
    /// How long the server may hold a request until there is something new, 1 to 30 seconds. Default: 10 seconds, which
    /// costs six requests a minute for each process; a revocation arrives at once whatever the value, but a connection that died silently is
    /// noticed only after this time and five seconds.
    /// </summary>
    public TimeSpan PollWait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How old the server's last answer may be before a token's standing is unknown; at least twice
    /// <see cref="PollWait"/>. Default: 30 seconds.
    /// </summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the first tokens after a start wait for the feed to be read. Default: 5 seconds.</summary>
    public TimeSpan FirstReadWait { get; set; } = TimeSpan.FromSeconds(5);
}
