using Xunit;

namespace AuthCluster.TestKit;

/// <summary>The SQL Server that the environment names for the suites that run on it.</summary>
public static class NamedSqlServer
{
    private const string Variable = "AUTHCLUSTER_TEST_SQLSERVER";

    /// <summary>Its connection string; null where no server is named.</summary>
    public static string? ConnectionString => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : null;

    /// <summary>Skips a test that says whether a suite runs on SQL Server, where no server is named.</summary>
    public static void Need(string suite) => Assert.SkipUnless(
        ConnectionString is not null,
        $"The {suite} suite did not run on SQL Server: the environment variable {Variable} names no server (a connection string with the right to create databases).");
}
