namespace AuthCluster.Fence;

/// <summary>How the return of a write is taken.</summary>
public enum WriteReturn
{
    /// <summary>The state that was written is installed.</summary>
    Installed,

    /// <summary>The write is stored, and a later one as well: the state must be read before the next use.</summary>
    Overtaken,

    /// <summary>The write took so long that it counts as one of unknown outcome.</summary>
    TooLate,
}

/// <summary>
/// One copy of a state in the memory of a silo: that of a client in its activation, or of the keys. The copy knows the version that it holds,
/// and whether it may be used.
/// </summary>
public sealed class FencedCopy
{
    private readonly SiloFence _fence;
    private volatile bool _isCurrent;

    internal FencedCopy(SiloFence fence, string key)
    {
        _fence = fence;
        Key = key;
    }

    /// <summary>What it is a copy of.</summary>
    public string Key { get; }

    /// <summary>The version that it holds; 0 for none.</summary>
    public long Version { get; internal set; }

    /// <summary>Whether it holds a state that no answered write has replaced, as far as this silo was told.</summary>
    public bool IsCurrent
    {
        get => _isCurrent;
        internal set => _isCurrent = value;
    }

    internal FencedCopy? Next { get; set; }

    /// <summary>Whether something may be decided by this copy now: the silo has the right, and the copy is current.</summary>
    public bool MayDecide(TimeSpan now) => _isCurrent && _fence.Mandate.MayDecide(now);

    /// <summary>Installs what a load has read.</summary>
    /// <param name="version">The version that was read.</param>
    /// <param name="began">When the load began.</param>
    /// <param name="now">The time.</param>
    /// <returns>False when it must not be used: read again.</returns>
    public bool TryInstall(long version, TimeSpan began, TimeSpan now) => _fence.TryInstall(this, version, began, now);

    /// <summary>Installs what a write has stored.</summary>
    /// <param name="version">The version that the write made.</param>
    /// <param name="began">When the write began.</param>
    /// <param name="now">The time.</param>
    public WriteReturn Written(long version, TimeSpan began, TimeSpan now)
    {
        if (_fence.IsTooLate(began, now))
        {
            IsCurrent = false;
            return WriteReturn.TooLate;
        }

        return TryInstall(version, began, now) ? WriteReturn.Installed : WriteReturn.Overtaken;
    }

    /// <summary>Forgets the version that was held, since storage went back in time: an older one may be installed.</summary>
    public void Forget()
    {
        IsCurrent = false;
        Version = 0;
    }

    /// <summary>Says that the copy must be read again, as after a write of unknown outcome.</summary>
    public void Doubt() => IsCurrent = false;
}
