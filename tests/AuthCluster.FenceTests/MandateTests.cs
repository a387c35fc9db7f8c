using AuthCluster.Fence;

namespace AuthCluster.FenceTests;

public sealed class MandateTests
{
    private static readonly FenceTimes Times = new() { OutageGrace = TimeSpan.FromMinutes(1) };

    [Fact]
    public void A_silo_that_has_never_read_itself_active_may_not_decide() =>
        Assert.False(new Mandate("a", Times).MayDecide(TimeSpan.Zero));

    [Fact]
    public void A_good_reading_lets_a_silo_decide_for_a_term_from_when_the_reading_began()
    {
        var mandate = new Mandate("a", Times);
        mandate.ReadReturned(ViewOf(SiloStanding.Active, beganSecond: 10));

        Assert.True(mandate.MayDecide(TimeSpan.FromSeconds(11.9)));
        Assert.False(mandate.MayDecide(TimeSpan.FromSeconds(12)));
    }

    private static Membership ViewOf(SiloStanding standing, double beganSecond) => new(
        TimeSpan.FromSeconds(beganSecond),
        TimeSpan.FromSeconds(beganSecond + 0.1),
        TimeSpan.FromMinutes(1),
        [new SiloEntry("a", "a", standing, TimeSpan.Zero)]);
}
