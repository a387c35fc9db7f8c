using AuthCluster.Contracts.Keys;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Grains.Keys;

/// <summary>The key snapshot of a silo, wrapped: what front ends are given, whatever storage does meanwhile.</summary>
public sealed class HeldKeys(KeySnapshotRecord first)
{
    private KeySnapshotRecord _current = first;
    private Action<KeySnapshotRecord>? _subscriber;

    /// <summary>The snapshot.</summary>
    public KeySnapshotRecord Current => Volatile.Read(ref _current);

    /// <summary>The version of the ring in storage that it was made from; 0 before the first reading by this silo.</summary>
    internal long Version { get; private set; }

    /// <summary>Hands each new snapshot to what signs and checks in this process.</summary>
    public void Subscribe(Action<KeySnapshotRecord> subscriber) => _subscriber = subscriber;

    /// <summary>Takes over what storage holds.</summary>
    internal void Replace(KeyMaterial material)
    {
        var snapshot = KeySnapshots.Of(material);
        Volatile.Write(ref _current, snapshot);
        Version = material.RingVersion;
        _subscriber?.Invoke(snapshot);
    }
}
