namespace AuthCluster.Grains.Sweeps;

/// <summary>How long usage is kept.</summary>
/// <param name="Hours">By the hour; then it is rolled up to days.</param>
/// <param name="Days">By the day, from the same moment on; at least as long.</param>
public sealed record UsageRetention(TimeSpan Hours, TimeSpan Days)
{
    /// <summary>A year and a month of hours, and more than three years of days.</summary>
    public UsageRetention()
        : this(TimeSpan.FromDays(400), TimeSpan.FromDays(1_200))
    {
    }
}
