namespace AuthCluster.Client.Introspection;

/// <summary>How tokens are asked for at the server.</summary>
/// <remarks>
/// A server that answers with <c>Retry-After</c> (RFC 9110 §10.2.3) is left alone that long, plus up to a fifth, and for a
/// minute at most: until then the standing of every token that is not in the cache is unknown.
/// </remarks>
public sealed class IntrospectionOptions
{
    /// <summary>
    /// How long an answer is reused, 0 to 5 minutes. A revoked token may go on working for that long, and each token in use costs one request in
    /// that time. Default: 5 seconds.
    /// </summary>
    public TimeSpan CacheFor { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How many answers are sure to be kept: those that were used last. At most twice as many are. None: each call asks. Default: 10,000.
    /// </summary>
    public int MaxCached { get; set; } = 10_000;

    /// <summary>Longest wait for an answer, repeats included; then the token's standing is unknown. Default: 3 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(3);
}
