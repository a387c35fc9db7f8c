using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.GrainTests.Fencing;

public sealed class MembershipReadingTests
{
    private const int Joining = 2;
    private const int Active = 3;
    private const int ShuttingDown = 4;
    private const int Stopping = 5;
    private const int Dead = 6;
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);
    private static readonly string Self = SiloNames.Of(RowOf(1, Active));

    [Theory]
    [InlineData(1, SiloStanding.Joining)]
    [InlineData(Joining, SiloStanding.Joining)]
    [InlineData(Active, SiloStanding.Active)]
    [InlineData(ShuttingDown, SiloStanding.Active)]
    [InlineData(Stopping, SiloStanding.Active)]
    [InlineData(Dead, SiloStanding.Dead)]
    public void A_silo_stands_in_the_reading_by_its_status(int status, SiloStanding standing)
    {
        var row = RowOf(2, status);

        Assert.Equal(standing, Read(row).View.Find(SiloNames.Of(row))!.Standing);
    }

    [Fact]
    public void A_silo_that_has_not_stated_its_outage_grace_does_not_count_itself_as_active()
    {
        Assert.False(Read(RowOf(1, Active, grace: null)).View.IsActive(Self));
        Assert.True(Read(RowOf(1, Active)).View.IsActive(Self));
        Assert.True(Read(RowOf(1, Active), RowOf(2, Active, grace: null)).View.IsActive(SiloNames.Of(RowOf(2, Active))));
    }

    [Fact]
    public void The_longest_outage_grace_counts_that_any_silo_has_stated()
    {
        Assert.Equal(Grace, Read(RowOf(1, Active), RowOf(2, Active, TimeSpan.FromSeconds(1))).View.LongestGrace);
        Assert.Equal(TimeSpan.FromHours(1), Read(RowOf(1, Active), RowOf(2, Dead, TimeSpan.FromHours(1))).View.LongestGrace);
    }

    [Fact]
    public void A_death_without_a_stamp_counts_from_the_reading_on()
    {
        var reading = Read(RowOf(1, Active), RowOf(2, Dead));

        Assert.True(reading.HasUnstampedDeath);
        Assert.Equal(TimeSpan.Zero, reading.View.Find(SiloNames.Of(RowOf(2, Dead)))!.DeadFor);
        Assert.False(Read(RowOf(2, Dead) with { DeadFor = TimeSpan.FromSeconds(7) }).HasUnstampedDeath);
    }

    private static MembershipReading Read(params SiloRow[] rows) => MembershipReading.Of(
        new FenceReading(5, 7, [.. rows]), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10.1), Self, Grace);

    private static SiloRow RowOf(int generation, int status) => RowOf(generation, status, TimeSpan.FromMinutes(10));

    private static SiloRow RowOf(int generation, int status, TimeSpan? grace) => new("10.0.0.1", 11111, generation, "silo", status, null, false, grace);
}
