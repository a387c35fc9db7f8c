namespace AuthCluster.Client.Clients;

/// <summary>Marks this library's own requests, so that an application which puts tokens on all its requests puts none on these.</summary>
internal static class OwnRequest
{
    /// <summary>Also set, by this name, by the package that reads an issuer's keys.</summary>
    private static readonly HttpRequestOptionsKey<bool> Key = new("authcluster.own");

    public static void Mark(HttpRequestMessage request) => request.Options.Set(Key, true);

    public static bool Is(HttpRequestMessage request) => request.Options.TryGetValue(Key, out _);
}
