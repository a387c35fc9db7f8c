using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AuthCluster.Storage;

/// <summary>Why a database operation failed, in the driver's words.</summary>
public static class StorageReason
{
    private const int MaxLength = 300;

    /// <summary>
    /// The reason in one line of at most 300 characters, such as <c>28P01: password authentication failed for user "app"</c>. Drivers
    /// name hosts, users and databases, and never a password or the connection string.
    /// </summary>
    public static string Of(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var parts = new List<string>();
        for (var e = exception; e is not null; e = e.InnerException)
        {
            // Our own exception only says that the database could not be reached.
            if (e is StorageUnavailableException or AggregateException && e.InnerException is not null)
            {
                continue;
            }

            var part = TextOf(e);
            if (!parts.Exists(known => known.Contains(part, StringComparison.Ordinal)))
            {
                parts.Add(part);
            }
        }

        var reason = string.Join(": ", parts);
        return reason.Length <= MaxLength ? reason : reason[..MaxLength];
    }

    private static string TextOf(Exception exception) => exception switch
    {
        PostgresException e => $"{e.SqlState}: {OneLine(e.MessageText)}",
        SqlException e => $"SQL Server error {e.Number}: {OneLine(e.Message)}",
        SqliteException e => $"SQLite error {e.SqliteErrorCode}: {OneLine(e.Message)}",
        _ => OneLine(exception.Message),
    };

    private static string OneLine(string message) =>
        string.Concat(message.Split('\n', 2)[0].Trim().TrimEnd('.').Select(character => char.IsControl(character) ? ' ' : character));
}
