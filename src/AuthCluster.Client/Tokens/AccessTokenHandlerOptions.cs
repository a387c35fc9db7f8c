namespace AuthCluster.Client.Tokens;

/// <summary>What the handler of one HttpClient puts on its requests.</summary>
public sealed class AccessTokenHandlerOptions
{
    /// <summary>The name given to <c>AddAuthClusterTokens</c>. Default: the unnamed one.</summary>
    public string Source { get; set; } = "";

    /// <summary>The scopes, space separated; null for those of the source's options.</summary>
    public string? Scope { get; set; }

    /// <summary>The audience; null for that of the source's options.</summary>
    public string? Audience { get; set; }

    /// <summary>
    /// Largest body that is kept in memory so that it can be sent twice, in bytes. Larger ones are sent once, unless they
    /// lie in memory anyhow (strings, byte arrays, forms, JSON). Default: 64 KiB; 0 keeps none.
    /// </summary>
    public int MaxReplayBytes { get; set; } = 65_536;

    /// <summary>Allows sending the token by plain http beyond this machine, where whoever reads the network can use it.</summary>
    public bool AllowPlainHttp { get; set; }
}
