using System.Security.Cryptography;
using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Keys;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Server.Startup;

/// <summary>
/// A first start in Development. The database notes it before the keys are created and until its credentials were shown. So when the
/// process dies meanwhile, or finds its port taken, the next start completes the first one with the same secrets.
/// </summary>
internal sealed class FirstStart
{
    private const string RowId = "1";
    private const int SeedBytes = 32;
    private const int SecretBytes = 32;

    private readonly FirstStartStore _store;
    private readonly byte[] _seed;

    private FirstStart(FirstStartStore store, byte[] seed)
    {
        _store = store;
        _seed = seed;
    }

    /// <summary>Finds the first start that is under way, or begins one.</summary>
    /// <param name="database">The database, whose schema is current.</param>
    /// <param name="isEmpty">Whether no server has ever started on it.</param>
    /// <param name="encryptionKey">The key-encryption key.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when a first start is over, or was not one in Development.</returns>
    public static async Task<FirstStart?> FindAsync(
        Database database, bool isEmpty, ReadOnlyMemory<byte> encryptionKey, CancellationToken cancellationToken)
    {
        var store = new FirstStartStore(database);
        if (isEmpty)
        {
            await store.BeginAsync(NewSeed(encryptionKey.Span), cancellationToken);
        }

        if (await store.ReadAsync(cancellationToken) is not { } wrapped)
        {
            return null;
        }

        if (KeyWrap.TryUnwrap(encryptionKey.Span, KeyWrap.FirstStartKind, RowId, wrapped, out var seed))
        {
            return new FirstStart(store, seed);
        }

        // The key-encryption key was changed since the first start began. No credentials were shown yet, so nobody loses any.
        await store.EndAsync(cancellationToken);
        return await FindAsync(database, isEmpty: true, encryptionKey, cancellationToken);
    }

    /// <summary>The secret of one of the first clients: the same however often the first start is tried.</summary>
    public string SecretOf(string clientId) => GeneratedSecret.Create(
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _seed, SecretBytes, info: Encoding.UTF8.GetBytes($"authcluster first start {clientId}")));

    /// <summary>Notes that the credentials were shown, so that no later start shows them.</summary>
    public async Task EndAsync(CancellationToken cancellationToken) => await _store.EndAsync(cancellationToken);

    private static byte[] NewSeed(ReadOnlySpan<byte> encryptionKey) => KeyWrap.Wrap(
        encryptionKey, KeyWrap.FirstStartKind, RowId, RandomNumberGenerator.GetBytes(SeedBytes), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes));
}
