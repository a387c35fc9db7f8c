namespace AuthCluster.Client.Clients;

/// <summary>Makes the connections of this library's own requests. Compiled into each package that makes such requests.</summary>
internal static class OwnHandler
{
    /// <summary>A handler that follows no redirect: a request, with the secret that it may hold, goes to the configured address alone.</summary>
    /// <param name="connectTimeout">Longest time for one connection to be made.</param>
    public static SocketsHttpHandler Create(TimeSpan connectTimeout) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = connectTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // follows the server's name to a new address
        // Over HTTP/2 an abandoned request leaves its connection open for the next one. Pings detect a dead connection.
        KeepAlivePingDelay = TimeSpan.FromSeconds(10),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
    };
}
