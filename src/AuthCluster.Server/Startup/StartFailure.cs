using System.Net.Sockets;
using AuthCluster.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace AuthCluster.Server.Startup;

/// <summary>Says in a sentence why the host did not start, where the framework or a driver says it by an exception.</summary>
internal static class StartFailure
{
    /// <summary>The sentence; null for what is no mistake of the configuration or the surroundings, but of the program.</summary>
    public static string? SentenceOf(Exception exception) => exception switch
    {
        SqliteException { SqliteErrorCode: 26 or 11 } => "The file that AuthCluster:Storage:ConnectionString names is not a sound SQLite database; put back a backup, or name another file.",
        StorageUnavailableException => SiloPreparation.DatabaseNotReached(exception),
        InvalidOperationException or FormatException or ArgumentException or IOException or SocketException or UnauthorizedAccessException or OptionsValidationException =>
            $"The server could not start: {FirstLine(exception)}",
        _ => null,
    };

    private static string FirstLine(Exception exception) => exception.Message.Split('\n', 2)[0].TrimEnd();
}
