using System.Collections.Immutable;
using System.Data.Common;
using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Admin;

/// <summary>A row of the table of keys.</summary>
/// <param name="Choice">What the request chose before it made anything. Its hashes have 32 bytes each.</param>
/// <param name="ExpiresAt">When the key expires.</param>
public sealed record IdempotencyRow(IdempotencyChoice Choice, DateTimeOffset ExpiresAt)
{
    /// <summary>Prints nothing of the hashes and the secret.</summary>
    public override string ToString() => $"IdempotencyRow({Choice.ClientId})";
}

/// <summary>The choices of requests with an <c>Idempotency-Key</c>, for an hour.</summary>
public sealed class IdempotencyStore(Database database)
{
    /// <summary>How long a key is valid: as long as a client's grain remembers what it made.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromHours(1);

    private const string Columns = "key_hash, body_hash, client_id, secret_id, encrypted_secret, created_at, expires_at";

    private readonly string _read = $"select {Columns} from idempotency where key_hash = @KeyHash";

    private readonly string _insert = database.Sql(
        others: $"""
            insert into idempotency ({Columns})
            values (@KeyHash, @BodyHash, @ClientId, @SecretId, @EncryptedSecret, @CreatedAt, @ExpiresAt)
            on conflict (key_hash) do nothing
            """,
        sqlServer: $"""
            insert into idempotency ({Columns})
            select @KeyHash, @BodyHash, @ClientId, @SecretId, cast(@EncryptedSecret as varbinary(1000)), @CreatedAt, @ExpiresAt
            where not exists (select 1 from idempotency where key_hash = @KeyHash)
            """);

    private readonly string _deleteExpired = "delete from idempotency where key_hash = @KeyHash and expires_at <= @Now";

    private readonly string _delete = "delete from idempotency where key_hash = @KeyHash";

    private readonly string _sweep = database.Sql(
        sqlite: """
            delete from idempotency where key_hash in (
                select key_hash from idempotency where expires_at <= @Now order by expires_at limit @Limit)
            """,
        postgreSql: """
            delete from idempotency where key_hash in (
                select key_hash from idempotency where expires_at <= @Now order by expires_at limit @Limit for update skip locked)
            """,
        sqlServer: "delete top (@Limit) from idempotency where expires_at <= @Now");

    private readonly string _shorten = database.Sql(
        sqlite: """
            update idempotency set expires_at = @End where key_hash in (
                select key_hash from idempotency where expires_at > @Latest order by expires_at limit @Limit)
            """,
        postgreSql: """
            update idempotency set expires_at = @End where key_hash in (
                select key_hash from idempotency where expires_at > @Latest order by expires_at limit @Limit for update skip locked)
            """,
        sqlServer: "update top (@Limit) idempotency set expires_at = @End where expires_at > @Latest");

    /// <summary>Stores the choices unless the key has valid ones, and returns those that are stored now.</summary>
    /// <param name="row">The choices.</param>
    /// <param name="now">The time; null while the clock is in doubt: then any stored choices are valid.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The given row when this call stored it (or an equal one did before), else the earlier one.</returns>
    public Task<IdempotencyRow> InsertOrReadAsync(IdempotencyRow row, DateTimeOffset? now, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var choice = row.Choice;
                var key = choice.KeyHash.Raw();
                if (now is { } time)
                {
                    await Database.ExecuteAsync(
                        connection, transaction, _deleteExpired, new { KeyHash = key, Now = new StoredTime(time) }, cancellationToken);
                }

                while (true)
                {
                    await Database.ExecuteAsync(
                        connection,
                        transaction,
                        _insert,
                        new
                        {
                            KeyHash = key,
                            BodyHash = choice.BodyHash.Raw(),
                            choice.ClientId,
                            choice.SecretId,
                            EncryptedSecret = choice.EncryptedSecret.IsDefaultOrEmpty ? null : choice.EncryptedSecret.Raw(),
                            CreatedAt = new StoredTime(choice.CreatedAt),
                            ExpiresAt = new StoredTime(row.ExpiresAt),
                        },
                        cancellationToken);
                    if (await Database.ReadAsync(connection, transaction, _read, new { KeyHash = key }, ReadRow, cancellationToken) is [var stored])
                    {
                        return stored;
                    }

                    // Another request with the key was refused and deleted the row meanwhile: the key is free again.
                }
            },
            cancellationToken);

    /// <summary>Forgets a key, because what it asked for was refused.</summary>
    public Task DeleteAsync(ImmutableArray<byte> keyHash, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_delete, new { KeyHash = keyHash.Raw() }, cancellationToken);

    /// <summary>
    /// Deletes expired keys, at most <paramref name="max"/> of them, and returns how many. A key to which a wrong clock gave an end too far away
    /// is shortened to the usual time from now.
    /// </summary>
    public Task<int> SweepAsync(DateTimeOffset now, int max, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                await Database.ExecuteAsync(
                    connection,
                    transaction,
                    _shorten,
                    new { End = new StoredTime(now + Lasts), Latest = new StoredTime(now + Lasts + ClusterClocks.MaxDifference), Limit = max },
                    cancellationToken);
                return await Database.ExecuteAsync(
                    connection, transaction, _sweep, new { Now = new StoredTime(now), Limit = max }, cancellationToken);
            },
            cancellationToken);

    private static IdempotencyRow ReadRow(DbDataReader row) => new(
        new IdempotencyChoice
        {
            KeyHash = row.Bytes(0),
            BodyHash = row.Bytes(1),
            ClientId = row.GetString(2),
            SecretId = row.GetString(3),
            EncryptedSecret = row.IsDBNull(4) ? [] : row.Bytes(4),
            CreatedAt = row.Time(5),
        },
        row.Time(6));
}
