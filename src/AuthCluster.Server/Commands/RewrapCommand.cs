using System.Collections.Immutable;
using System.Security.Cryptography;
using AuthCluster.Protocol.Keys;
using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Server.Commands;

/// <summary><c>keys rewrap</c>: encrypts the stored keys and peppers under a new key-encryption key.</summary>
internal static class RewrapCommand
{
    private const string Name = "keys rewrap";

    public static async Task<int> RunAsync(CommandRun run)
    {
        if (run.Database.SqliteFile is { } file && !File.Exists(file))
        {
            throw new StartupException($"The database '{file}' does not exist.");
        }

        var next = run.Settings.Keys.EncryptionKey
            ?? throw new StartupException("AuthCluster:Keys:EncryptionKey is missing; set it to the new key, base64 of 32 random bytes.");
        var previous = PreviousKey(run.Settings, run.Database);
        var (exclusive, _) = await StoppedProcesses.RequireAsync(run, Name);
        using var held = exclusive;
        var store = new KeyMaterialStore(run.Database);
        try
        {
            if (await store.ReadAsync() is not { } material)
            {
                throw new StartupException("No server has ever started on this database: there are no keys to encrypt.");
            }

            ImmutableArray<RewrappedValue> keys =
                [.. material.SigningKeys.Select(key => Rewrap(KeyWrap.SigningKeyKind, key.Kid, key.WrappedPrivateKey, previous, next)).OfType<RewrappedValue>()];
            ImmutableArray<RewrappedValue> peppers =
                [.. material.Peppers.Select(pepper => Rewrap(KeyWrap.PepperKind, pepper.PepperId, pepper.WrappedValue, previous, next)).OfType<RewrappedValue>()];
            if (keys.Length + peppers.Length > 0 && !await store.TryRewrapAsync(material.RingVersion, keys, peppers))
            {
                throw new StartupException($"The keys were changed by another process meanwhile and nothing was written; run '{Name}' again.");
            }

            await Console.Out.WriteLineAsync(
                $"{keys.Length} signing keys and {peppers.Length} peppers are encrypted under the new key; {material.SigningKeys.Length + material.Peppers.Length - keys.Length - peppers.Length} were already. Keep the old key for as long as you keep backups that were made under it.");
            return CommandLine.Done;
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            throw new StartupException($"The database gave no definite answer ({StorageReason.Of(e)}); run '{Name}' again.");
        }
    }

    /// <summary>Encrypts a value under the new key; null when it is encrypted under that key already.</summary>
    private static RewrappedValue? Rewrap(
        string kind, string id, ImmutableArray<byte> wrapped, ReadOnlyMemory<byte> previous, ReadOnlyMemory<byte> next)
    {
        if (KeyWrap.TryUnwrap(next.Span, kind, id, wrapped.AsSpan(), out var already))
        {
            CryptographicOperations.ZeroMemory(already);
            return null;
        }

        if (!KeyWrap.TryUnwrap(previous.Span, kind, id, wrapped.AsSpan(), out var value))
        {
            throw new StartupException($"The {kind} {id} was encrypted under neither AuthCluster:Keys:PreviousEncryptionKey nor AuthCluster:Keys:EncryptionKey; nothing was written.");
        }

        var anew = KeyWrap.Wrap(next.Span, kind, id, value, RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes));
        CryptographicOperations.ZeroMemory(value);
        return new RewrappedValue(id, [.. anew]);
    }

    /// <summary>The configured key; where none is configured, with SQLite, the key that was generated into the data folder.</summary>
    private static ReadOnlyMemory<byte> PreviousKey(ServerSettings settings, Database database)
    {
        if (settings.Keys.PreviousEncryptionKey is { } configured)
        {
            return configured;
        }

        return database.SqliteFile is null
            ? throw new StartupException("AuthCluster:Keys:PreviousEncryptionKey is missing; set it to the key that the stored keys were encrypted under.")
            : EncryptionKeyFile.ReadOrCreate(settings.DataDirectory, mayCreate: false);
    }
}
