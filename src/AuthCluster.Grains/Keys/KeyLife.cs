namespace AuthCluster.Grains.Keys;

/// <summary>How long a signing key signs.</summary>
/// <param name="RotationInterval">From the moment at which a key becomes active to its rotation.</param>
public sealed record KeyLife(TimeSpan RotationInterval);
