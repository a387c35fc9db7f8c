using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Session;

/// <summary>Which silo holds how many clients, by the silos' own metrics.</summary>
internal static class Activations
{
    /// <summary>One token for each client through each server, so that the activations are spread over the silos.</summary>
    public static async Task WarmAsync(Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> clients)
    {
        foreach (var (client, i) in clients.Select((client, i) => (client, i)))
        {
            for (var offset = 0; offset < nodes.Count; offset++)
            {
                await caller.TokenAsync(nodes[(i + offset) % nodes.Count], client);
            }
        }
    }

    /// <summary>The silo with the most clients, and how many these are. One that was just started has few.</summary>
    public static async Task<(ServerProcess Silo, double Clients)> FullestAsync(Caller caller, IReadOnlyList<ServerProcess> silos)
    {
        var counts = await Task.WhenAll(silos.Select(silo => CountAsync(caller, silo)));
        return (silos[Array.IndexOf(counts, counts.Max())], counts.Max());
    }

    /// <summary>How many clients a silo has activated.</summary>
    public static async Task<double> CountAsync(Caller caller, ServerProcess silo) =>
        await caller.MetricAsync(silo, "orleans_catalog_activation_created_total", "grain_type=\"client\"")
        - await caller.MetricAsync(silo, "orleans_catalog_activation_destroyed_total", "grain_type=\"client\"");
}
