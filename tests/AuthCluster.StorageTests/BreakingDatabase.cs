using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.StorageTests;

/// <summary>What goes wrong on a <see cref="BreakingDatabase"/>, and when.</summary>
public sealed record Breakage
{
    /// <summary>What committing throws; null when it commits.</summary>
    public Exception? AtCommit { get; init; }

    /// <summary>What disposing the transaction throws.</summary>
    public Exception? AtDisposal { get; init; }

    /// <summary>What disposing the connection throws.</summary>
    public Exception? AtClosing { get; init; }

    /// <summary>Whether the connection is gone once something has failed, as after a KILL.</summary>
    public bool IsGone { get; init; }
}

/// <summary>Connections whose transactions break as those of SQL Server's driver do when their session is killed.</summary>
public sealed class BreakingDatabase(Breakage breakage) : DbDataSource
{
    /// <summary>How many transactions were begun.</summary>
    public int Begun { get; private set; }

    public override string ConnectionString => "";

    protected override DbConnection CreateDbConnection() => new Connection(this, breakage);

    private sealed class Connection(BreakingDatabase source, Breakage breakage) : DbConnection
    {
        private ConnectionState _state;

        [AllowNull]
        public override string ConnectionString { get; set; } = "";

        public override string Database => "";

        public override string DataSource => "";

        public override string ServerVersion => "";

        public override ConnectionState State => _state;

        public override void ChangeDatabase(string databaseName) => throw new NotSupportedException();

        public override void Open() => _state = ConnectionState.Open;

        public override void Close() => _state = ConnectionState.Closed;

        public override ValueTask DisposeAsync() => breakage.AtClosing is { } failure ? ValueTask.FromException(failure) : base.DisposeAsync();

        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel)
        {
            source.Begun++;
            _state = breakage.IsGone ? ConnectionState.Closed : _state;
            return new Transaction(this, breakage);
        }

        protected override DbCommand CreateDbCommand() => throw new NotSupportedException();
    }

    private sealed class Transaction(Connection connection, Breakage breakage) : DbTransaction
    {
        public override IsolationLevel IsolationLevel => IsolationLevel.ReadCommitted;

        protected override DbConnection DbConnection => connection;

        public override void Commit()
        {
            if (breakage.AtCommit is { } failure)
            {
                throw failure;
            }
        }

        public override void Rollback() => throw new NotSupportedException();

        public override ValueTask DisposeAsync() => breakage.AtDisposal is { } failure ? ValueTask.FromException(failure) : base.DisposeAsync();
    }
}
