using System.Security.Cryptography;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Keys;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.StorageTests;

/// <summary>Ordinary rows, for tests to vary.</summary>
internal static class Samples
{
    /// <summary>A time with all the digits that .NET has; databases keep fewer digits.</summary>
    public static DateTimeOffset Now { get; } = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero).AddTicks(1_234_567);

    public static TimeSpan MaxTokenLifetime { get; } = TimeSpan.FromHours(24);

    /// <summary>The time that storage gives back for a time: microseconds are kept.</summary>
    public static DateTimeOffset Stored(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % 10), TimeSpan.Zero);

    public static CatalogueEntry Client(string clientId, long version = 1) => new()
    {
        ClientId = clientId,
        Name = clientId,
        Enabled = true,
        IsAdmin = false,
        Document = $$"""{"clientId":"{{clientId}}"}""",
        ETag = $"v{version}",
        Version = version,
        CreatedAt = Now,
        UpdatedAt = Now,
    };

    public static AuditEntry Audit(string id, string clientId = "", DateTimeOffset? at = null) => new(
        new AuditRecord
        {
            AuditId = id,
            At = at ?? Now,
            Actor = "operator",
            Action = "client.update",
            Target = clientId,
            RemoteAddress = "127.0.0.1",
            RequestId = "r-1",
            AfterJson = """{"a":1}""",
        },
        clientId);

    /// <summary>What the feed tells of a revocation.</summary>
    public static RevokedRecord Told(RevocationItem item) => new(item.Kind, item.Value, item.Gen, Stored(item.ExpiresAt));

    public static StoredSigningKey SigningKey(string kid, StoredKeyState state = StoredKeyState.Active) => new()
    {
        Kid = kid,
        Algorithm = "ES256",
        State = state,
        WrappedPrivateKey = [.. RandomNumberGenerator.GetBytes(64)],
        CreatedAt = Stored(Now),
        ActiveAt = state == StoredKeyState.Active ? Stored(Now) : null,
    };

    public static StoredPepper Pepper(string id) => new(id, [.. RandomNumberGenerator.GetBytes(32)], Stored(Now));
}
