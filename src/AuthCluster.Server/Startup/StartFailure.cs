using System.Net.Sockets;
using AuthCluster.Server.Settings;
using AuthCluster.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Server.Startup;

/// <summary>Says why the host did not start, also where the framework or a driver threw the exception.</summary>
internal static class StartFailure
{
    private const string Database = "AuthCluster:Storage:ConnectionString";

    /// <summary>
    /// One sentence for each problem. For a defect of the server the exception with its stack follows, because nothing else would report it.
    /// </summary>
    public static IReadOnlyList<string> LinesOf(Exception exception) =>
        exception is StartupException refused ? refused.Problems
        : Innermost(exception) is NullReferenceException or InvalidCastException or IndexOutOfRangeException or KeyNotFoundException
            ? [SentenceOf(exception), exception.ToString()]
        : [SentenceOf(exception)];

    private static string SentenceOf(Exception exception) => exception switch
    {
        AggregateException { InnerException: { } inner } => SentenceOf(inner),
        SqliteException { SqliteErrorCode: 26 or 11 } =>
            $"The file that {Database} names is not a sound SQLite database; put back a backup, or name another file.",
        SqliteException { SqliteErrorCode: 13 } =>
            $"The disk of the SQLite database that {Database} or AuthCluster:DataDirectory names is full; free some space.",
        SqliteException { SqliteErrorCode: 8 or 14 or 3 or 10 } e =>
            $"The SQLite database that {Database} or AuthCluster:DataDirectory names can't be written ({FirstLine(e)}); give its folder to the user that runs the server, or name another.",
        StorageUnavailableException => SiloPreparation.DatabaseNotReached(exception),
        InvalidDataException { InnerException: FormatException } e =>
            $"appsettings.json can't be read: {FirstLine(e)}: {FirstLine(Innermost(e))}.",
        // ListenerCheck has tried every TCP port. So this is a Unix socket, or a port that another process has taken since.
        SocketException or IOException { InnerException: AddressInUseException } =>
            $"The server can't listen where ASPNETCORE_URLS, AuthCluster:Http:ManagementUrls or the ports of AuthCluster:Cluster say: {FirstLine(exception)}.",
        _ => $"The server could not start: {FirstLine(exception)} ({exception.GetType().Name}).",
    };

    private static Exception Innermost(Exception exception) => exception.InnerException is { } inner ? Innermost(inner) : exception;

    private static string FirstLine(Exception exception) => exception.Message.Split('\n', 2)[0].Trim().TrimEnd('.');
}
