namespace AuthCluster.FenceTests.Simulation;

/// <summary>The row of a client in the database.</summary>
/// <param name="Version">The version, by which writes compare and swap.</param>
/// <param name="Commit">The number of the write that made it: the truth by which runs are judged. The product does not see it.</param>
/// <param name="Owner">The activation that may spend from the limit; -1 for none.</param>
/// <param name="Exists">False for the tombstone of a deleted client.</param>
/// <param name="IsEnabled">Whether the client gets tokens.</param>
internal readonly record struct Row(long Version, int Commit, int Owner, bool Exists, bool IsEnabled)
{
    public static readonly Row First = new(1, 1, -1, true, true);
}
