using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Clients;

/// <summary>A client as administrators see it.</summary>
internal static class ClientViews
{
    /// <summary>The view of a client.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="state">Its state; null or a tombstone when there is no client.</param>
    /// <param name="lastUsedAt">When it last got a token in this activation.</param>
    /// <param name="now">The time; secrets that ended long ago are not shown.</param>
    /// <returns>Null when there is no client.</returns>
    public static ClientView? Of(string clientId, ClientState? state, DateTimeOffset? lastUsedAt, DateTimeOffset now) =>
        state?.WithoutLongEnded(now) is { Deleted: false, Document: { } document } shown
            ? new ClientView
            {
                ClientId = clientId,
                DocumentJson = document.GetRawText(),
                Enabled = shown.Enabled,
                ETag = shown.ETag,
                CreatedAt = shown.CreatedAt,
                UpdatedAt = shown.UpdatedAt,
                Secrets = [.. shown.Secrets.Select(Of)],
                LastUsedAt = lastUsedAt,
            }
            : null;

    private static SecretView Of(SecretState secret) => new()
    {
        SecretId = secret.Id,
        Kind = secret.Kind,
        Label = secret.Label,
        CreatedAt = secret.CreatedAt,
        NotBefore = secret.NotBefore,
        ExpiresAt = secret.ExpiresAt,
    };
}
