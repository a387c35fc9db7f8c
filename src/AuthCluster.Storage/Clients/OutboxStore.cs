using System.Collections.Concurrent;
using System.Data.Common;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Storage.Clients;

/// <summary>What the changes of one client have to leave behind in the tables.</summary>
/// <param name="Audit">Entries that tell of the changes.</param>
/// <param name="Catalogue">The client as it is now; null when its catalogue row does not change.</param>
/// <param name="Revocations">What the feed has to tell of.</param>
public sealed record OutboxBatch(
    IReadOnlyList<AuditEntry> Audit, CatalogueEntry? Catalogue, IReadOnlyList<RevocationItem> Revocations);

/// <summary>
/// Carries a client's outbox to its tables: all of it in one transaction, and as often as one likes, since what is there already stays
/// as it is.
/// </summary>
public sealed class OutboxStore(Database database)
{
    private const int MostTogether = 64;

    private readonly AuditStore _audit = new(database);

    private readonly RevocationStore _revocations = new(database);

    private readonly string _moveRow = database.Sql(
        others: """
            insert into client_catalogue
                (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
            values
                (@ClientId, @Name, @NameKey, @Owner, @Enabled, @IsAdmin, @Deleted, @Document, @ETag, @Version, @CreatedAt, @UpdatedAt)
            on conflict (client_id) do update set
                name = excluded.name, name_key = excluded.name_key, owner = excluded.owner, enabled = excluded.enabled,
                is_admin = excluded.is_admin, deleted = excluded.deleted, document = excluded.document, etag = excluded.etag,
                version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at
            where client_catalogue.version < excluded.version
            returning 1
            """,
        sqlServer: """
            declare @moved int;
            update client_catalogue set
                name = @Name, name_key = @NameKey, owner = @Owner, enabled = @Enabled, is_admin = @IsAdmin, deleted = @Deleted,
                document = @Document, etag = @ETag, version = @Version, created_at = @CreatedAt, updated_at = @UpdatedAt
            where client_id = @ClientId and version < @Version;
            set @moved = @@rowcount;
            if @moved = 0
            begin
                insert into client_catalogue
                    (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
                select
                    @ClientId, @Name, @NameKey, @Owner, @Enabled, @IsAdmin, @Deleted, @Document, @ETag, @Version, @CreatedAt, @UpdatedAt
                where not exists (select 1 from client_catalogue where client_id = @ClientId);
                set @moved = @@rowcount;
            end;
            select @moved;
            """);

    private readonly string _readParts = "select kind, value, label, expires_at from client_part where client_id = @ClientId";

    private readonly string _insertPart = """
        insert into client_part (client_id, kind, value, label, created_at, expires_at)
        values (@ClientId, @Kind, @Value, @Label, @CreatedAt, @ExpiresAt)
        """;

    private readonly string _updatePart = """
        update client_part set label = @Label, expires_at = @ExpiresAt
        where client_id = @ClientId and kind = @Kind and value = @Value
        """;

    private readonly string _deletePart = "delete from client_part where client_id = @ClientId and kind = @Kind and value = @Value";

    private readonly string _forgetUse = "delete from last_used where client_id = @ClientId and kind = @Kind and value = @Value";

    private readonly string _forgetUsesBefore = """
        delete from last_used
        where client_id = @ClientId and used_at < @Before and not exists (
            select 1 from client_part p where p.client_id = last_used.client_id and p.kind = last_used.kind and p.value = last_used.value)
        """;

    private readonly ConcurrentQueue<Waiting> _waiting = new();

    /// <summary>Applies a batch. What it holds that is in the tables already, or is older than what they hold, changes nothing.</summary>
    /// <remarks>
    /// Where writers take turns, whoever has the turn applies all batches that wait for it, in one transaction: many clients that are
    /// created at once share the sync to disk, which is most of what it costs.
    /// </remarks>
    public async Task ApplyAsync(OutboxBatch batch, CancellationToken cancellationToken = default)
    {
        if (!database.HasOneWriter)
        {
            await database.WriteAsync((connection, transaction) => ApplyAsync(connection, transaction, batch, cancellationToken), cancellationToken);
            return;
        }

        var mine = new Waiting(batch);
        _waiting.Enqueue(mine);
        using (await database.EnterWriteAsync(cancellationToken))
        {
            // Those whose callers gave up still stand before it in the queue.
            while (!mine.IsDone)
            {
                await ApplyWaitingAsync();
            }
        }

        await mine.Done;
    }

    /// <summary>Whether the audit has an entry: then the change that it tells of was made.</summary>
    public Task<bool> IsAuditedAsync(string auditId, CancellationToken cancellationToken = default) =>
        _audit.IsAuditedAsync(auditId, cancellationToken);

    /// <summary>Applies what waits. One that a table refuses takes none of the others with it.</summary>
    private async Task ApplyWaitingAsync()
    {
        var together = new List<Waiting>();
        while (together.Count < MostTogether && _waiting.TryDequeue(out var waiting))
        {
            together.Add(waiting);
        }

        try
        {
            var failure = await TryAsync(together);
            var each = together.Count > 1 && failure is not null && StorageFaults.Of(failure) == StorageFault.Rejected;
            foreach (var one in together)
            {
                one.End(each ? await TryAsync([one]) : failure);
            }
        }
        finally
        {
            // Whatever happened, nobody waits for ever.
            together.ForEach(one => one.End(new StorageUnavailableException("The write was not made.")));
        }
    }

    private async Task<Exception?> TryAsync(List<Waiting> together)
    {
        try
        {
            // Not given up with the one caller who happens to have the turn.
            await database.WriteInTurnAsync(
                async (connection, transaction) =>
                {
                    foreach (var one in together)
                    {
                        await ApplyAsync(connection, transaction, one.Batch, CancellationToken.None);
                    }

                    return together.Count;
                },
                CancellationToken.None);
            return null;
        }
        catch (Exception e) when (StorageFaults.IsFault(e))
        {
            return e;
        }
    }

    private async Task<int> ApplyAsync(DbConnection connection, DbTransaction transaction, OutboxBatch batch, CancellationToken cancellationToken)
    {
        await _audit.AddAsync(connection, transaction, batch.Audit, cancellationToken);
        if (batch.Catalogue is { } entry && await MoveRowAsync(connection, transaction, entry, cancellationToken))
        {
            await MovePartsAsync(connection, transaction, entry, cancellationToken);
        }

        return await _revocations.AddAsync(connection, transaction, batch.Revocations, cancellationToken);
    }

    /// <summary>Writes the catalogue row, unless it is there in this version or a later one.</summary>
    private async Task<bool> MoveRowAsync(
        DbConnection connection, DbTransaction transaction, CatalogueEntry entry, CancellationToken cancellationToken)
    {
        var moved = await Database.ScalarAsync<int?>(
            connection,
            transaction,
            _moveRow,
            new
            {
                entry.ClientId,
                Name = StoredText.Name(entry.Name),
                NameKey = StoredText.NameKey(entry.Name),
                Owner = CatalogueStore.OwnerKey(entry.Owner),
                entry.Enabled,
                entry.IsAdmin,
                entry.Deleted,
                entry.Document,
                entry.ETag,
                entry.Version,
                CreatedAt = new StoredTime(entry.CreatedAt),
                UpdatedAt = new StoredTime(entry.UpdatedAt),
            },
            cancellationToken);
        return moved is > 0;
    }

    /// <summary>Writes what differs between the parts that are stored and those that the client has now.</summary>
    private async Task MovePartsAsync(
        DbConnection connection, DbTransaction transaction, CatalogueEntry entry, CancellationToken cancellationToken)
    {
        var stored = (await Database.ReadAsync(
            connection,
            transaction,
            _readParts,
            new { entry.ClientId },
            row => (Kind: row.GetString(0), Value: row.GetString(1), Label: row.TextOrNull(2), ExpiresAt: row.TimeOrNull(3)),
            cancellationToken)).ToDictionary(part => (part.Kind, part.Value));
        var parts = PartsOf(entry).ToList();
        var gone = stored.Keys.Except(parts.Select(part => (part.Kind, part.Value))).ToList();
        foreach (var (kind, value) in gone)
        {
            await Database.ExecuteAsync(connection, transaction, _deletePart, new { entry.ClientId, Kind = kind, Value = value }, cancellationToken);
            await Database.ExecuteAsync(connection, transaction, _forgetUse, new { entry.ClientId, Kind = kind, Value = value }, cancellationToken);
        }

        if (gone.Count > 0 || parts.Exists(part => !stored.ContainsKey((part.Kind, part.Value))))
        {
            // A client, scope or secret that is made anew under an old name was not used before. A late flush may have stored older uses under
            // that name: they go. Uses are kept by whole minutes. Those since the change stay, since the change may be told late.
            var before = new StoredTime(entry.UpdatedAt.AddTicks(-(entry.UpdatedAt.UtcTicks % TimeSpan.TicksPerMinute)));
            await Database.ExecuteAsync(connection, transaction, _forgetUsesBefore, new { entry.ClientId, Before = before }, cancellationToken);
        }

        foreach (var part in parts)
        {
            var label = part.Label is { } given ? StoredText.Name(given) : null;
            var isKnown = stored.TryGetValue((part.Kind, part.Value), out var known);
            if (isKnown && known.Label == label && known.ExpiresAt == StoredTime.Of(part.ExpiresAt)?.Utc)
            {
                continue;
            }

            await Database.ExecuteAsync(
                connection,
                transaction,
                isKnown ? _updatePart : _insertPart,
                new
                {
                    entry.ClientId,
                    part.Kind,
                    part.Value,
                    Label = label,
                    CreatedAt = new StoredTime(part.CreatedAt),
                    ExpiresAt = StoredTime.Of(part.ExpiresAt),
                },
                cancellationToken);
        }
    }

    /// <summary>The parts, each once: what is named twice must not keep a client's changes from being told.</summary>
    private static IEnumerable<CataloguePart> PartsOf(CatalogueEntry entry) => entry.Deleted
        ? []
        : entry.Parts
            .Prepend(new CataloguePart(CataloguePart.ClientKind, "", null, entry.CreatedAt, null))
            .DistinctBy(part => (part.Kind, part.Value));

    /// <summary>A batch that waits for a turn, its own or that of another.</summary>
    private sealed class Waiting(OutboxBatch batch)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public OutboxBatch Batch => batch;

        public bool IsDone => _done.Task.IsCompleted;

        public Task Done => _done.Task;

        public void End(Exception? failure)
        {
            if (failure is null)
            {
                _done.TrySetResult();
            }
            else
            {
                _done.TrySetException(failure);
            }
        }
    }
}
