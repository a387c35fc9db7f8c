using System.Data.Common;

namespace AuthCluster.Storage.Keys;

/// <summary>The columns of a signing key's row.</summary>
internal static class SigningKeyRow
{
    /// <summary>A key as the parameters of the statements that insert and update its row.</summary>
    public static object ParametersOf(StoredSigningKey key) => new
    {
        key.Kid,
        key.Algorithm,
        State = NameOf(key.State),
        WrappedPrivateKey = key.WrappedPrivateKey.Raw(),
        CreatedAt = new StoredTime(key.CreatedAt),
        ActivatesAt = StoredTime.Of(key.ActivatesAt),
        ActiveAt = StoredTime.Of(key.ActiveAt),
        RetiredAt = StoredTime.Of(key.RetiredAt),
        RemovedAt = StoredTime.Of(key.RemovedAt),
    };

    /// <summary>Reads a row: its columns in the order of this method.</summary>
    public static StoredSigningKey Of(DbDataReader row) => new()
    {
        Kid = row.GetString(0),
        Algorithm = row.GetString(1),
        State = StateOf(row.GetString(2)),
        WrappedPrivateKey = row.Bytes(3),
        CreatedAt = row.Time(4),
        ActivatesAt = row.TimeOrNull(5),
        ActiveAt = row.TimeOrNull(6),
        RetiredAt = row.TimeOrNull(7),
        RemovedAt = row.TimeOrNull(8),
    };

    private static string NameOf(StoredKeyState state) => state switch
    {
        StoredKeyState.Pending => "pending",
        StoredKeyState.Active => "active",
        StoredKeyState.Retired => "retired",
        StoredKeyState.Revoked => "revoked",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };

    private static StoredKeyState StateOf(string name) => name switch
    {
        "pending" => StoredKeyState.Pending,
        "active" => StoredKeyState.Active,
        "retired" => StoredKeyState.Retired,
        "revoked" => StoredKeyState.Revoked,
        _ => throw new InvalidDataException($"The table signing_key holds the unknown state {name}."),
    };
}
