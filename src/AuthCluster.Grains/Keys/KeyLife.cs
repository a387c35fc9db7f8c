namespace AuthCluster.Grains.Keys;

/// <summary>How long a signing key signs.</summary>
/// <param name="RotationInterval">From becoming active to the rotation.</param>
public sealed record KeyLife(TimeSpan RotationInterval);
