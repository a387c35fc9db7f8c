namespace AuthCluster.Storage;

/// <summary>The right to write, given back when disposed. See <see cref="Database.EnterWriteAsync"/>.</summary>
public readonly struct WriteTurn : IDisposable, IEquatable<WriteTurn>
{
    private readonly SemaphoreSlim? _gate;

    internal WriteTurn(SemaphoreSlim? gate) => _gate = gate;

    /// <summary>Lets the next writer in. Once for each turn.</summary>
    public void Dispose() => _gate?.Release();

    /// <inheritdoc/>
    public bool Equals(WriteTurn other) => ReferenceEquals(_gate, other._gate);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is WriteTurn other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _gate?.GetHashCode() ?? 0;

    /// <summary>Whether both are turns at the same gate.</summary>
    public static bool operator ==(WriteTurn left, WriteTurn right) => left.Equals(right);

    /// <summary>Whether they are turns at different gates.</summary>
    public static bool operator !=(WriteTurn left, WriteTurn right) => !left.Equals(right);
}
