using AuthCluster.Contracts.Keys;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Grains.Keys;

/// <summary>The key snapshot in the memory of a silo, private keys wrapped. Front ends get it even while storage is away.</summary>
public sealed class HeldKeys(KeySnapshotRecord first)
{
    private KeySnapshotRecord _current = first;
    private Action<KeySnapshotRecord>? _subscriber;

    /// <summary>The present snapshot.</summary>
    public KeySnapshotRecord Current => Volatile.Read(ref _current);

    /// <summary>The version of the key ring in storage that <see cref="Current"/> was made from; 0 before this silo has read it.</summary>
    internal long Version { get; private set; }

    /// <summary>Registers the one callback that gets each new snapshot: the part of this process that signs and checks.</summary>
    public void Subscribe(Action<KeySnapshotRecord> subscriber) => _subscriber = subscriber;

    /// <summary>Replaces the snapshot by what storage holds.</summary>
    internal void Replace(KeyMaterial material)
    {
        var snapshot = KeySnapshots.Of(material);
        Volatile.Write(ref _current, snapshot);
        _subscriber?.Invoke(snapshot);
        Version = material.RingVersion;
    }
}
