using System.Security.Cryptography;
using AuthCluster.Grains.Keys;
using AuthCluster.Protocol.Clients;
using AuthCluster.Server.Settings;
using AuthCluster.Storage;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Prepares what a process needs before its silo starts: the data folder, the schema, the keys, and the clients of the configuration, which
/// are read and checked. The start is refused here when one of them is wrong or can't be prepared.
/// </summary>
internal sealed class SiloPreparation : IAsyncDisposable
{
    public const string WrongEncryptionKey =
        "AuthCluster:Keys:EncryptionKey is not the key that the stored keys were wrapped under; set the one that was, or run 'keys rewrap' with it as AuthCluster:Keys:PreviousEncryptionKey.";

    /// <summary>How long a start tries to reach the database.</summary>
    public static readonly TimeSpan WaitForDatabase = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(2);

    private readonly SqliteFileLock? _lock;

    private SiloPreparation(Database database, SqliteFileLock? fileLock, SiloKeys keys, ReadOnlyMemory<byte> encryptionKey, FirstStart? firstStart, IReadOnlyList<NewClient> clients)
    {
        Database = database;
        _lock = fileLock;
        Keys = keys;
        EncryptionKey = encryptionKey;
        FirstStart = firstStart;
        BootstrapClients = clients;
    }

    /// <summary>The sentence for a database that could not be reached for as long as a start waits.</summary>
    public static string DatabaseNotReached(Exception reason) =>
        $"The database of AuthCluster:Storage:ConnectionString could not be reached for a minute ({StorageReason.Of(reason)}); check that it runs and that the address and the credentials are right.";

    public Database Database { get; }

    public SiloKeys Keys { get; }

    public ReadOnlyMemory<byte> EncryptionKey { get; }

    /// <summary>The first start in Development that is under way; null when none is.</summary>
    public FirstStart? FirstStart { get; }

    public IReadOnlyList<NewClient> BootstrapClients { get; }

    /// <exception cref="StartupException">The start is refused.</exception>
    public static async Task<SiloPreparation> PrepareAsync(
        ServerSettings settings, bool isDevelopment, ILoggerFactory loggers, TimeProvider clock, CancellationToken cancellationToken)
    {
        var clients = ReadClientsFile(settings.Bootstrap.ClientsFile, (int)settings.Tokens.Lifetime.TotalSeconds);
        var database = Describe(settings.Storage);
        SqliteFileLock? fileLock = null;
        try
        {
            CreateDataDirectory(settings, database);
            fileLock = TakeLock(database);
            var opened = await WhenReachableAsync(
                () => OpenAsync(settings, isDevelopment, database, loggers, clock, cancellationToken), loggers, clock, cancellationToken);
            return new SiloPreparation(database, fileLock, opened.Keys, opened.EncryptionKey, opened.FirstStart, clients);
        }
        catch
        {
            fileLock?.Dispose();
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>The database that the configuration names; nothing is opened yet.</summary>
    /// <exception cref="StartupException">The connection string can't be read.</exception>
    public static Database Describe(StorageSettings settings) =>
        Describe(settings, (provider, connectionString) => new Database(provider, connectionString));

    /// <summary>The same database over separate connections, for membership.</summary>
    /// <exception cref="StartupException">The connection string can't be read.</exception>
    public static Database DescribeMembership(StorageSettings settings) => Describe(settings, Database.ForMembership);

    private static Database Describe(StorageSettings settings, Func<StorageProvider, string, Database> describe)
    {
        try
        {
            return describe(settings.Provider, settings.ConnectionString);
        }
        catch (ArgumentException)
        {
            // The driver's own message may repeat the password.
            throw new StartupException($"AuthCluster:Storage:ConnectionString is not a connection string of {settings.Provider}; give Key=Value pairs that its driver knows, separated by semicolons.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _lock?.Dispose();
    }

    private static async Task<(SiloKeys Keys, ReadOnlyMemory<byte> EncryptionKey, FirstStart? FirstStart)> OpenAsync(
        ServerSettings settings, bool isDevelopment, Database database, ILoggerFactory loggers, TimeProvider clock, CancellationToken cancellationToken)
    {
        await RequireDurabilityAsync(database, cancellationToken);
        var migrator = new Migrator(database, clock, loggers.CreateLogger<Migrator>());
        if (settings.Storage.MigrateOnStart)
        {
            await MigrateAsync(migrator, cancellationToken);
        }
        else if ((await migrator.StatusAsync(cancellationToken)).Any(script => !script.Applied))
        {
            throw new StartupException("The database's schema is not current and AuthCluster:Storage:MigrateOnStart is false; run 'db migrate' first.");
        }

        var store = new KeyMaterialStore(database);
        var isEmpty = await store.ReadVersionAsync(cancellationToken) is null;
        var encryptionKey = settings.Keys.EncryptionKey ?? EncryptionKeyFile.ReadOrCreate(settings.DataDirectory, mayCreate: isEmpty);
        var firstStart = isDevelopment ? await FirstStart.FindAsync(database, isEmpty, encryptionKey, cancellationToken) : null;
        try
        {
            var keys = await KeyMaterialSetup.EnsureAsync(
                store, encryptionKey, settings.Tokens.Algorithm, settings.Keys.PublishAhead, clock, cancellationToken);
            return (keys, encryptionKey, firstStart);
        }
        catch (CryptographicException)
        {
            throw new StartupException(WrongEncryptionKey);
        }
    }

    private static async Task RequireDurabilityAsync(Database database, CancellationToken cancellationToken)
    {
        try
        {
            await DurabilityCheck.RunAsync(database, cancellationToken);
        }
        catch (DurabilityException e)
        {
            throw new StartupException(e.Message);
        }
    }

    private static async Task MigrateAsync(Migrator migrator, CancellationToken cancellationToken)
    {
        try
        {
            await migrator.MigrateAsync(cancellationToken);
        }
        catch (MigrationFailedException e)
        {
            throw new StartupException(e.Message);
        }
    }

    /// <summary>Waits for a database that can't be reached yet, and logs each failed try.</summary>
    /// <exception cref="StartupException">It could not be reached for a minute.</exception>
    public static async Task<T> WhenReachableAsync<T>(
        Func<Task<T>> open, ILoggerFactory loggers, TimeProvider clock, CancellationToken cancellationToken)
    {
        var log = loggers.CreateLogger<SiloPreparation>();
        var started = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await open();
            }
            catch (Exception e) when (StorageFaults.IsUnavailable(e))
            {
                if (clock.GetElapsedTime(started) + TryAgainAfter > WaitForDatabase)
                {
                    throw new StartupException(DatabaseNotReached(e));
                }

                StartupLog.DatabaseNotReachable(log, StorageReason.Of(e));
                await Task.Delay(TryAgainAfter, clock, cancellationToken);
            }
        }
    }

    /// <summary>Creates the data folder and the folder of the database file; does nothing with a shared database.</summary>
    /// <exception cref="StartupException">A folder can't be created.</exception>
    public static void CreateDataDirectory(ServerSettings settings, Database database)
    {
        if (database.SqliteFile is null)
        {
            return;
        }

        try
        {
            if (!Directory.Exists(settings.DataDirectory))
            {
                if (OperatingSystem.IsWindows())
                {
                    Directory.CreateDirectory(settings.DataDirectory);
                }
                else
                {
                    Directory.CreateDirectory(settings.DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                }
            }

            Directory.CreateDirectory(Path.GetDirectoryName(database.SqliteFile)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"AuthCluster:DataDirectory is '{settings.DataDirectory}', which can't be made; give a folder that this user may write to.");
        }
    }

    /// <summary>Locks a SQLite file against other processes; null with a shared database.</summary>
    /// <exception cref="StartupException">Another process holds the lock, or this user may not write to the folder.</exception>
    public static SqliteFileLock? TakeLock(Database database)
    {
        try
        {
            return database.SqliteFile is null ? null : SqliteFileLock.Take(database);
        }
        catch (DatabaseInUseException e)
        {
            throw new StartupException(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The folder of the SQLite database '{database.SqliteFile}' is not one that this user may write to; give it to the user that runs the server, or name another by AuthCluster:DataDirectory.");
        }
    }

    private static List<NewClient> ReadClientsFile(string? path, int serverLifetimeSeconds)
    {
        if (path is null)
        {
            return [];
        }

        byte[] json;
        try
        {
            json = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"AuthCluster:Bootstrap:ClientsFile names '{path}', which can't be read by this user.");
        }

        var read = ClientDocumentReader.ReadFile(json, serverLifetimeSeconds);
        return read.Succeeded
            ? [.. read.Clients.Select(client => new NewClient(client.Document!, client.Secrets))]
            : throw new StartupException([.. read.Errors.Select(error => $"AuthCluster:Bootstrap:ClientsFile '{path}': {error.Key} {error.Value}")]);
    }
}
