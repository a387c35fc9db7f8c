using System.Data.Common;
using System.Net.Sockets;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AuthCluster.Storage;

/// <summary>What a failed storage operation means.</summary>
public enum StorageFault
{
    /// <summary>Not a failure of storage at all.</summary>
    None = 0,

    /// <summary>The database could not be reached, or refuses work for now. Nothing was written.</summary>
    Unavailable = 1,

    /// <summary>The database was asked and gave no definite answer. Whether it wrote is not known.</summary>
    OutcomeUnknown = 2,

    /// <summary>Another transaction was in the way. Nothing was written; the same again may succeed at once.</summary>
    Conflict = 3,

    /// <summary>
    /// The database refused the statement (a constraint, a type, a right), or holds what only a newer build knows. Nothing was
    /// written, and the same again fails again.
    /// </summary>
    Rejected = 4,
}

/// <summary>Sorts the exceptions of the three drivers.</summary>
public static class StorageFaults
{
    /// <summary>What an exception that came out of a storage operation means.</summary>
    public static StorageFault Of(Exception exception) => exception switch
    {
        StorageUnavailableException e => e.OutcomeUnknown ? StorageFault.OutcomeUnknown : StorageFault.Unavailable,
        PostgresException e => OfPostgres(e.SqlState),
        // The socket broke or the time-out struck while a statement was under way.
        NpgsqlException => StorageFault.OutcomeUnknown,
        SqliteException e => OfSqlite(e.SqliteErrorCode, e.SqliteExtendedErrorCode),
        SqlException e => OfSqlServer(e.Number, e.Class),
        TimeoutException or IOException or SocketException => StorageFault.OutcomeUnknown,
        DbException or InvalidDataException => StorageFault.Rejected,
        OperationCanceledException => StorageFault.None,
        // Other exceptions of a driver whose connection broke: invalid operations and null references.
        _ when IsOfDriver(exception) => StorageFault.OutcomeUnknown,
        _ => StorageFault.None,
    };

    /// <summary>Whether an exception came from storage at all: it was unavailable, or refused the statement.</summary>
    public static bool IsFault(Exception exception) => Of(exception) != StorageFault.None;

    /// <summary>Whether the database can't be worked with at the moment: the caller is told to come back later.</summary>
    public static bool IsUnavailable(Exception exception) =>
        Of(exception) is StorageFault.Unavailable or StorageFault.OutcomeUnknown or StorageFault.Conflict;

    /// <summary>Whether nobody can say if a write took place.</summary>
    public static bool IsOutcomeUnknown(Exception exception) =>
        Of(exception) is StorageFault.OutcomeUnknown || exception is OperationCanceledException and not CanceledBeforeWriteException;

    /// <summary>
    /// Whether the cause is a defect in code, such as a null reference, and not what a driver reports of its database. Only its type and stack
    /// explain it.
    /// </summary>
    public static bool IsErrorOfCode(Exception exception) => exception switch
    {
        StorageUnavailableException { InnerException: { } inner } => IsErrorOfCode(inner),
        // Drivers throw InvalidOperationException when their pool is exhausted, or the connection is closed.
        StorageUnavailableException or DbException or TimeoutException or IOException or SocketException or InvalidDataException
            or OperationCanceledException or InvalidOperationException => false,
        _ => true,
    };

    /// <summary>Whether a connection could not be opened: no statement was sent yet.</summary>
    internal static bool IsOpeningFailure(Exception exception) =>
        (exception is DbException or TimeoutException or IOException or SocketException
            // A file that is no database, or is damaged, fails again the next time.
            && exception is not SqliteException { SqliteErrorCode: 11 or 26 })
        // Both drivers throw it when their pool is exhausted.
        || (exception is InvalidOperationException && exception is not ObjectDisposedException)
        || (exception is not (OperationCanceledException or DbException) && IsOfDriver(exception));

    /// <summary>Whether a driver's code threw it.</summary>
    private static bool IsOfDriver(Exception exception) => exception.Source is "Microsoft.Data.SqlClient" or "Npgsql" or "Microsoft.Data.Sqlite";

    /// <summary>Whether a lock was not free in time, or the transaction lost a deadlock or an update conflict.</summary>
    internal static bool IsInUse(DbException exception) => exception
        is PostgresException { SqlState: "55P03" or "40P01" or "40001" }
        or SqlException { Number: 1222 or 1205 or 3960 or 3961 };

    private static StorageFault OfPostgres(string state) => state switch
    {
        // Serialization failure, deadlock; unique violation: two inserted the same row at once.
        "40001" or "40P01" or "23505" => StorageFault.Conflict,
        // Lock not available, not accepting connections yet, read-only after a failover, the database dropped to be restored.
        "55P03" or "57P03" or "25006" or "57P04" => StorageFault.Unavailable,
        // Insufficient resources: memory, disk, connections, a configured limit.
        _ when state.StartsWith("53", StringComparison.Ordinal) => StorageFault.Unavailable,
        // Cancelled by statement_timeout or by us, or the session was ended as idle within a transaction: rolled back.
        "57014" or "25P03" => StorageFault.Unavailable,
        // The server is shutting down, has crashed, or ended this session: the commit may have been its last act.
        "57P01" or "57P02" or "57P05" or "40003" => StorageFault.OutcomeUnknown,
        _ when state.StartsWith("08", StringComparison.Ordinal) => StorageFault.OutcomeUnknown,
        _ when state.StartsWith("58", StringComparison.Ordinal) || state.StartsWith("XX", StringComparison.Ordinal) => StorageFault.OutcomeUnknown,
        _ => StorageFault.Rejected,
    };

    private static StorageFault OfSqlite(int code, int extended) => code switch
    {
        // BUSY_SNAPSHOT: another transaction wrote since this one's first read. It comes at once; a repeat reads again.
        5 when extended == 517 => StorageFault.Conflict,
        // BUSY (after a wait), LOCKED, FULL, CANTOPEN, READONLY, NOMEM, PROTOCOL (the log's locks were not free).
        5 or 6 or 13 or 14 or 8 or 7 or 15 => StorageFault.Unavailable,
        // INTERRUPT: stopped at its deadline, and rolled back.
        9 => StorageFault.Unavailable,
        // IOERR: after a failed sync nobody knows what is on disk.
        10 => StorageFault.OutcomeUnknown,
        _ => StorageFault.Rejected,
    };

    internal static StorageFault OfSqlServer(int number, int severity) => number switch
    {
        // Deadlock victim, snapshot conflict (of data, of the schema), unique key and unique index: two inserted the same row at once.
        1205 or 3960 or 3961 or 2627 or 2601 => StorageFault.Conflict,
        // Lock time-out (51222 is our own), log or disk full, read-only, too many sessions, throttled.
        1222 or 51222 or 9002 or 1105 or 3906 or 17809 or 40501 or 49918 or 49919 or 49920 or 10928 or 10929 => StorageFault.Unavailable,
        // The database is not recovered yet, in recovery, being restored, offline, in transition, not on this replica, without a role.
        921 or 922 or 927 or 942 or 952 or 976 or 983 => StorageFault.Unavailable,
        // Time-out of the client (-2), cancelled by the client (0), a server that goes away.
        -2 or 0 or 6005 or 596 or 40613 or 40197 => StorageFault.OutcomeUnknown,
        // Out of a resource for now: memory, disk, locks, workers.
        _ when severity is 17 or 19 => StorageFault.Unavailable,
        // A fault of the server after which the session goes on (18), a broken connection (20 and up).
        _ when severity >= 18 => StorageFault.OutcomeUnknown,
        _ => StorageFault.Rejected,
    };
}
