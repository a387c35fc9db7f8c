using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>
/// Turns the secrets of a new client into what is stored. A given one costs a third of a second of a core, so
/// few at a time are computed, off the threads that serve requests.
/// </summary>
internal sealed class SecretWork : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>Computes them; null when the turn did not come in time.</summary>
    public async Task<ImmutableArray<NewSecret>?> StoreAsync(ImmutableArray<ClientSecretEntry> entries)
    {
        if (entries.All(entry => entry.Hash is not null || entry.IsGenerated))
        {
            return [.. entries.Select(NewSecrets.Of)];
        }

        if (!await _turns.WaitAsync(LongestWait))
        {
            return null;
        }

        try
        {
            return await Task.Run(() => entries.Select(NewSecrets.Of).ToImmutableArray());
        }
        finally
        {
            _turns.Release();
        }
    }

    public void Dispose() => _turns.Dispose();
}
