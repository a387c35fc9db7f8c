namespace AuthCluster.Grains.Sweeps;

/// <summary>How long usage is kept.</summary>
/// <param name="Hours">How long it is kept by the hour; then it is added up to days.</param>
/// <param name="Days">How long it is kept by the day, counted from the same moment; at least <paramref name="Hours"/>.</param>
public sealed record UsageRetention(TimeSpan Hours, TimeSpan Days)
{
    /// <summary>The default: 400 days of hours (a year and a month), 1,200 days of days (more than three years).</summary>
    public UsageRetention()
        : this(TimeSpan.FromDays(400), TimeSpan.FromDays(1_200))
    {
    }
}
