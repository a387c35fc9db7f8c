using System.Data.Common;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Storage.Keys;

/// <summary>Signing keys, peppers and the generation floor. Private parts come and go wrapped; this class can't read them.</summary>
/// <remarks>
/// Nodes that start together on an empty database each propose a first ring; one is stored, and all get that one back. Each later change names the
/// ring version that it is based on, and is refused when another change came first.
/// </remarks>
public sealed class KeyMaterialStore(Database database)
{
    private readonly AuditStore _audit = new(database);

    private readonly RevocationStore _revocations = new(database);

    private readonly GenerationFloorStore _floor = new(database);

    private readonly string _insertRing = database.Sql(
        others: "insert into key_ring (id, version) values (1, 1) on conflict (id) do nothing",
        sqlServer: "insert into key_ring (id, version) select 1, 1 where not exists (select 1 from key_ring where id = 1)");

    private readonly string _moveRing = "update key_ring set version = version + 1 where id = 1 and version = @Expected";

    private readonly string _readVersion = database.Sql(
        others: "select version from key_ring where id = 1",
        sqlServer: "select version from key_ring with (repeatableread) where id = 1");

    private readonly string _readVersionAndFloor =
        "select r.version, f.floor from key_ring r cross join generation_floor f where r.id = 1 and f.id = 1";

    private readonly string _readKeys = """
        select kid, algorithm, state, wrapped_private_key, created_at, activates_at, active_at, retired_at, removed_at
        from signing_key order by created_at, kid
        """;

    private readonly string _readPeppers = "select pepper_id, wrapped_value, created_at from pepper order by created_at, pepper_id";

    private readonly string _insertKey = """
        insert into signing_key
            (kid, algorithm, state, wrapped_private_key, created_at, activates_at, active_at, retired_at, removed_at)
        values
            (@Kid, @Algorithm, @State, @WrappedPrivateKey, @CreatedAt, @ActivatesAt, @ActiveAt, @RetiredAt, @RemovedAt)
        """;

    private readonly string _updateKey = """
        update signing_key
        set state = @State, activates_at = @ActivatesAt, active_at = @ActiveAt, retired_at = @RetiredAt, removed_at = @RemovedAt
        where kid = @Kid
        """;

    private readonly string _insertPepper = "insert into pepper (pepper_id, wrapped_value, created_at) values (@PepperId, @WrappedValue, @CreatedAt)";

    private readonly string _rewrapKey = "update signing_key set wrapped_private_key = @Wrapped where kid = @Id";

    private readonly string _rewrapPepper = "update pepper set wrapped_value = @Wrapped where pepper_id = @Id";

    /// <summary>Reads everything as of one moment; null when no node has ever started on this database.</summary>
    public Task<KeyMaterial?> ReadAsync(CancellationToken cancellationToken = default) =>
        database.ReadTogetherAsync((connection, transaction) => ReadAsync(connection, transaction, cancellationToken), cancellationToken);

    /// <summary>
    /// Reads what tells whether anything has changed: two numbers, for reading often. Null when no node has ever started on this database.
    /// </summary>
    public async Task<KeyRingVersion?> ReadVersionAsync(CancellationToken cancellationToken = default)
    {
        var rows = await database.ReadAsync(
            _readVersionAndFloor, null, row => new KeyRingVersion(row.GetInt64(0), row.GetInt64(1)), cancellationToken);
        return rows is [var version] ? version : null;
    }

    /// <summary>Stores the first ring, pepper and floor unless there are some, and returns what is stored.</summary>
    /// <param name="signingKeys">The first keys: one active and its standby.</param>
    /// <param name="pepper">The first pepper.</param>
    /// <param name="now">The floor starts at 2^20 × this, in seconds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<KeyMaterial> InitialiseAsync(
        IReadOnlyList<StoredSigningKey> signingKeys, StoredPepper pepper, DateTimeOffset now, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                // The one that inserts this row inserts the rest; the others wait here for its commit and then find it.
                if (await Database.ExecuteAsync(connection, transaction, _insertRing, null, cancellationToken) == 1)
                {
                    foreach (var key in signingKeys)
                    {
                        await Database.ExecuteAsync(connection, transaction, _insertKey, SigningKeyRow.ParametersOf(key), cancellationToken);
                    }

                    await InsertAsync(connection, transaction, pepper, cancellationToken);
                    await _floor.InsertAsync(connection, transaction, now, cancellationToken);
                }

                return await ReadAsync(connection, transaction, cancellationToken) is { SigningKeys.IsEmpty: false, Peppers.IsEmpty: false } stored
                    ? stored
                    : throw new InvalidOperationException("The first key ring was not stored.");
            },
            cancellationToken);

    /// <summary>Changes the ring: adds keys that are not there, and moves those that are to their new state.</summary>
    /// <param name="expectedVersion">The ring version that the change was made from.</param>
    /// <param name="signingKeys">The keys that are new or change, each as a whole. The private part of a known key stays as it is.</param>
    /// <param name="audit">Entries that tell of the change, written with it.</param>
    /// <param name="revocations">What the feed has to tell of it, such as a revoked key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when the ring has another version: nothing was written.</returns>
    public Task<bool> TryChangeRingAsync(
        long expectedVersion,
        IReadOnlyList<StoredSigningKey> signingKeys,
        IReadOnlyList<AuditEntry> audit,
        IReadOnlyList<RevocationItem> revocations,
        CancellationToken cancellationToken = default) =>
        ChangeAsync(
            expectedVersion,
            async (connection, transaction) =>
            {
                foreach (var key in signingKeys)
                {
                    var parameters = SigningKeyRow.ParametersOf(key);
                    if (await Database.ExecuteAsync(connection, transaction, _updateKey, parameters, cancellationToken) == 0)
                    {
                        await Database.ExecuteAsync(connection, transaction, _insertKey, parameters, cancellationToken);
                    }
                }

                await _audit.AddAsync(connection, transaction, audit, cancellationToken);
                await _revocations.AddAsync(connection, transaction, revocations, cancellationToken);
            },
            cancellationToken);

    /// <summary>Adds a pepper, under which new secrets go from now on.</summary>
    /// <returns>False when the ring has another version: nothing was written.</returns>
    public Task<bool> TryAddPepperAsync(long expectedVersion, StoredPepper pepper, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            expectedVersion,
            (connection, transaction) => InsertAsync(connection, transaction, pepper, cancellationToken),
            cancellationToken);

    /// <summary>Replaces wrapped values, all or none of them, because the key-encryption key changed.</summary>
    /// <returns>False when the ring has another version: nothing was written.</returns>
    public Task<bool> TryRewrapAsync(
        long expectedVersion,
        IReadOnlyList<RewrappedValue> signingKeys,
        IReadOnlyList<RewrappedValue> peppers,
        CancellationToken cancellationToken = default) =>
        ChangeAsync(
            expectedVersion,
            async (connection, transaction) =>
            {
                foreach (var key in signingKeys)
                {
                    await Database.ExecuteAsync(
                        connection, transaction, _rewrapKey, new { key.Id, Wrapped = key.Wrapped.Raw() }, cancellationToken);
                }

                foreach (var pepper in peppers)
                {
                    await Database.ExecuteAsync(
                        connection, transaction, _rewrapPepper, new { pepper.Id, Wrapped = pepper.Wrapped.Raw() }, cancellationToken);
                }
            },
            cancellationToken);

    /// <summary>
    /// Raises the generation floor to max(old + 2^20, 2^20 × now), which ends every token that was issued so far, and puts it in
    /// the feed. It is done once, however often it is asked for with the same audit entry. The ring's version moves each time.
    /// </summary>
    /// <param name="now">The time of the clock.</param>
    /// <param name="maxTokenLifetime">How long the feed tells of it: no token lives longer.</param>
    /// <param name="audit">The entry that tells of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The ring's version and the floor now.</returns>
    public Task<KeyRingVersion> RaiseFloorAsync(
        DateTimeOffset now, TimeSpan maxTokenLifetime, AuditEntry audit, CancellationToken cancellationToken = default) =>
        _floor.RaiseAsync(now, maxTokenLifetime, audit, cancellationToken);

    private Task<bool> ChangeAsync(long expectedVersion, Func<DbConnection, DbTransaction, Task> change, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var expected = new { Expected = expectedVersion };
                if (await Database.ExecuteAsync(connection, transaction, _moveRing, expected, cancellationToken) == 0)
                {
                    return false;
                }

                await change(connection, transaction);
                return true;
            },
            cancellationToken);

    private async Task<KeyMaterial?> ReadAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        // The version first: SQL Server keeps its row locked, so that nobody changes the ring between this read and the end.
        if (await Database.ScalarAsync<long?>(connection, transaction, _readVersion, null, cancellationToken) is not { } version)
        {
            return null;
        }

        var keys = await Database.ReadAsync(connection, transaction, _readKeys, null, SigningKeyRow.Of, cancellationToken);
        var peppers = await Database.ReadAsync(
            connection,
            transaction,
            _readPeppers,
            null,
            row => new StoredPepper(row.GetString(0), row.Bytes(1), row.Time(2)),
            cancellationToken);
        var floor = await _floor.ReadAsync(connection, transaction, cancellationToken);
        return new KeyMaterial(version, [.. keys], [.. peppers], floor);
    }

    private Task<int> InsertAsync(DbConnection connection, DbTransaction transaction, StoredPepper pepper, CancellationToken cancellationToken) =>
        Database.ExecuteAsync(
            connection,
            transaction,
            _insertPepper,
            new { pepper.PepperId, WrappedValue = pepper.WrappedValue.Raw(), CreatedAt = new StoredTime(pepper.CreatedAt) },
            cancellationToken);
}
