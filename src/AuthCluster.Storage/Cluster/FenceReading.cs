using System.Collections.Immutable;

namespace AuthCluster.Storage.Cluster;

/// <summary>What a silo and a writer must know of the cluster, as of one moment.</summary>
/// <param name="KeysVersion">The version of the key ring; moves with each change of the keys and each raise of the floor.</param>
/// <param name="Floor">The generation floor of the cluster.</param>
/// <param name="Silos">
/// The silos that may decide: those that are not dead, and the dead ones whose processes may still run. In no order. None with SQLite.
/// </param>
public sealed record FenceReading(long KeysVersion, long Floor, ImmutableArray<SiloRow> Silos);

/// <summary>One silo in the cluster's membership.</summary>
/// <param name="Address">Its IP address, as Orleans writes it.</param>
/// <param name="Port">Its port.</param>
/// <param name="Generation">Tells a silo from its predecessors at the same address and port.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">Orleans' <c>SiloStatus</c>: 3 is active, 6 is dead.</param>
/// <param name="DeadFor">
/// How long ago it was declared dead, or ended of itself, by the database's clock at the reading. Null for a silo that lives, and for a dead one
/// without a stamp: an older build declared it.
/// </param>
/// <param name="HasEnded">Whether it is proven that its process has ended. A dead silo that has ended is in no reading.</param>
/// <param name="OutageGrace">How long it goes on deciding without the database; null where it did not say, as an older build.</param>
public sealed record SiloRow(
    string Address, int Port, int Generation, string Name, int Status, TimeSpan? DeadFor, bool HasEnded, TimeSpan? OutageGrace);
