using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>Clients that are disabled and enabled in turn, through one node after the other.</summary>
internal static class Switching
{
    /// <summary>Disables and enables, asks every node before and after each, and tells the watch what each answer promises.</summary>
    /// <param name="fenced">The cluster.</param>
    /// <param name="caller">Whose clock counts.</param>
    /// <param name="admin">Writes.</param>
    /// <param name="watch">Asks, and is told.</param>
    /// <param name="clients">The clients, in turn.</param>
    /// <param name="times">How often one is disabled and enabled.</param>
    /// <param name="enableAt">By how many nodes further on a client is enabled than it was disabled.</param>
    public static async Task<IReadOnlyList<WriteAnswer>> RunAsync(
        FencedCluster fenced, Caller caller, FenceAdmin admin, TokenWatch watch, IReadOnlyList<TestClient> clients, int times, int enableAt = 0)
    {
        var answers = new List<WriteAnswer>();
        for (var time = 0; time < times; time++)
        {
            var client = clients[time % clients.Count];
            watch.Focus(client);
            await watch.AskAllAsync(client);
            answers.Add(await admin.DisableAsync(fenced.Nodes[time % fenced.Nodes.Count], client));
            var disabled = watch.Promise("disable", client, answers[^1].Answered, asked => asked.IsIssued);
            await watch.AskAllAsync(client);
            disabled.Until = caller.Now;
            answers.Add(await admin.EnableAsync(fenced.Nodes[(time + enableAt) % fenced.Nodes.Count], client));
            var enabled = watch.Promise("enable", client, answers[^1].Answered, asked => asked.Sample.Status == 401);
            await watch.AskAllAsync(client);
            enabled.Until = caller.Now;
        }

        return answers;
    }
}
