namespace AuthCluster.Storage.Keys;

/// <summary>A first start in progress: its one row exists from before the keys are made until the first credentials were shown.</summary>
/// <remarks>So the next start completes a first start that died at any moment, with the same credentials.</remarks>
public sealed class FirstStartStore(Database database)
{
    private readonly string _insert = database.Sql(
        others: "insert into first_start (id, wrapped_seed) values (1, @WrappedSeed) on conflict (id) do nothing",
        sqlServer: "insert into first_start (id, wrapped_seed) select 1, @WrappedSeed where not exists (select 1 from first_start where id = 1)");

    private readonly string _read = "select wrapped_seed from first_start where id = 1";

    private readonly string _delete = "delete from first_start where id = 1";

    /// <summary>Notes that a first start is under way, unless one is.</summary>
    /// <param name="wrappedSeed">What its secrets are derived from, wrapped under the key-encryption key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task BeginAsync(byte[] wrappedSeed, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_insert, new { WrappedSeed = wrappedSeed }, cancellationToken);

    /// <summary>The wrapped seed of the first start that is under way; null when none is.</summary>
    public async Task<byte[]?> ReadAsync(CancellationToken cancellationToken = default) =>
        (await database.ReadAsync(_read, null, row => (byte[])row.GetValue(0), cancellationToken)).FirstOrDefault();

    /// <summary>Notes that the first credentials were shown.</summary>
    public Task EndAsync(CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_delete, null, cancellationToken);
}
