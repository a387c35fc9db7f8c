using AuthCluster.Fence;

namespace AuthCluster.FenceTests;

/// <summary>Readings of the membership for tests, in seconds. Silo "x" listens at endpoint "at-x".</summary>
internal static class Views
{
    public static readonly FenceTimes Times = new() { OutageGrace = TimeSpan.FromMinutes(1) };

    public static Membership View(double began, params SiloEntry[] silos) => View(began, began, silos);

    public static Membership View(double began, double returned, params SiloEntry[] silos) => new(Second(began), Second(returned), Times.OutageGrace, silos);

    public static SiloEntry Joining(string silo) => new(silo, $"at-{silo}", SiloStanding.Joining, TimeSpan.Zero);

    public static SiloEntry Active(string silo) => new(silo, $"at-{silo}", SiloStanding.Active, TimeSpan.Zero);

    public static SiloEntry Dead(string silo, double seconds) => new(silo, $"at-{silo}", SiloStanding.Dead, Second(seconds));

    public static TimeSpan Second(double seconds) => TimeSpan.FromSeconds(seconds);
}
