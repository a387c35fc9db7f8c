namespace AuthCluster.Client.Clients;

/// <summary>Marks this library's own requests, so that an application which puts tokens on all its requests puts none on these. Compiled into each package that makes such requests.</summary>
internal static class OwnRequest
{
    private static readonly HttpRequestOptionsKey<bool> Key = new("authcluster.own");

    public static void Mark(HttpRequestMessage request) => request.Options.Set(Key, true);

    public static bool Is(HttpRequestMessage request) => request.Options.TryGetValue(Key, out _);
}
