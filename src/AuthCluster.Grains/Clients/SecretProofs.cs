using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Stores the fast hash of each strong secret that was proven by its slow hash, so that the slow hash is not computed again after a restart. The
/// hash of a secret that is proven during a write is stored by the next write.
/// </summary>
internal sealed class SecretProofs(ClientRow row, PepperRing peppers)
{
    private readonly Dictionary<string, byte[]> _waiting = new(StringComparer.Ordinal);
    private Task? _storing;

    /// <summary>Starts to store a fast hash. Nobody waits for the write: a failure costs one more slow hash after a restart, nothing else.</summary>
    public void Add(string secretId, byte[] mac)
    {
        _waiting[secretId] = mac;
        if (_storing is null or { IsCompleted: true })
        {
            _storing = StoreAsync();
        }
    }

    private async Task StoreAsync()
    {
        while (_waiting.Count > 0)
        {
            var macs = new Dictionary<string, byte[]>(_waiting, StringComparer.Ordinal);
            _waiting.Clear();
            await row.ChangeInBackgroundAsync(state => With(state, macs));
        }
    }

    private ClientState? With(ClientState? state, Dictionary<string, byte[]> macs) =>
        state is null || !state.Secrets.Any(secret => secret.Mac is null && macs.ContainsKey(secret.Id))
            ? null
            : state with
            {
                Secrets = [.. state.Secrets.Select(secret => secret.Mac is null && macs.TryGetValue(secret.Id, out var mac)
                    ? secret with { Mac = mac, PepperId = secret.PepperId ?? peppers.CurrentId }
                    : secret)],
            };
}
