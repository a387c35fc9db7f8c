using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;
using AuthCluster.Server.Telemetry;
using AuthCluster.Storage;

namespace AuthCluster.Server.Commands;

/// <summary>
/// The commands of the server's own binary: <c>db migrate</c>, <c>db status</c>, <c>db restored</c>, <c>keys rewrap</c>. They need the
/// database or the key-encryption key, so they are configured like the server.
/// </summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int Refused = 1;
    public const int WrongUsage = 2;

    private const string Force = "--force";

    private const string Usage = """
        Usage: AuthCluster.Server <command> [--force] [--AuthCluster:Key=value …]
          db migrate    brings the database schema up to date
          db status     lists the schema's scripts; exit code 0 when all are applied, 1 when not
          db restored   to be run after a backup was restored, with every process stopped: ends every token that was issued before
          keys rewrap   encrypts the stored keys under AuthCluster:Keys:EncryptionKey instead of AuthCluster:Keys:PreviousEncryptionKey
        'db restored' and 'keys rewrap' are refused while processes run; --force does them all the same.
        Without a command the server starts.
        """;

    /// <summary>Whether these arguments are a command rather than the server's own.</summary>
    public static bool IsCommand(string[] args) => args is ["db" or "keys" or "help" or "--help" or "-h", ..];

    /// <exception cref="StartupException">The command is refused; the message says why.</exception>
    public static async Task<int> RunAsync(string[] args)
    {
        var words = args.TakeWhile(word => !word.StartsWith('-')).ToArray();
        if (words is not (["db", "migrate" or "status" or "restored"] or ["keys", "rewrap"]))
        {
            await Console.Error.WriteLineAsync(Usage);
            return WrongUsage;
        }

        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = [.. args[words.Length..].Where(word => word != Force)],
            ContentRootPath = AppContext.BaseDirectory,
        });
        var settings = ServerSettingsReader.ReadForCommand(
            builder.Configuration, builder.Environment.IsDevelopment(), needsEncryptionKey: words[0] == "keys");
        using var loggers = LoggerFactory.Create(logging =>
        {
            logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
            LogSetup.Configure(logging);
        });
        await using var database = SiloPreparation.Describe(settings.Storage);
        var force = args.Contains(Force, StringComparer.Ordinal);
        var run = new CommandRun(settings, database, loggers, TimeProvider.System, force);
        return words[1] switch
        {
            "migrate" => await SchemaCommands.MigrateAsync(run),
            "status" => await SchemaCommands.StatusAsync(run),
            "restored" => await RestoredCommand.RunAsync(run),
            _ => await RewrapCommand.RunAsync(run),
        };
    }
}

/// <summary>What a command works with.</summary>
internal sealed record CommandRun(ServerSettings Settings, Database Database, ILoggerFactory Loggers, TimeProvider Clock, bool Force)
{
    public Migrator Migrator { get; } = new(Database, Clock, Loggers.CreateLogger<Migrator>());

    /// <summary>Does work with the database, and waits for the database as a start does.</summary>
    /// <exception cref="StartupException">The database could not be reached for a minute.</exception>
    public Task<T> WhenReachableAsync<T>(Func<Task<T>> work) =>
        SiloPreparation.WhenReachableAsync(work, Loggers, Clock, CancellationToken.None);
}
