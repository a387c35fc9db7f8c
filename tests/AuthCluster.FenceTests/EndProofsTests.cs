using AuthCluster.Fence;
using static AuthCluster.FenceTests.Views;

namespace AuthCluster.FenceTests;

/// <summary>A proof takes effect after 1.01 × 2 s + 0.2 s. A dead silo decides for 1.01 × 60 s + 0.2 s at most.</summary>
public sealed class EndProofsTests
{
    private readonly EndProofs _proofs = new("a", "at-a", startedAt: Second(100), Times);

    [Theory]
    [InlineData(102.21, false)]
    [InlineData(102.22, true)]
    public void A_silo_proves_the_end_of_one_that_was_at_its_endpoint_once_no_lease_of_it_lasts(double now, bool isProven)
    {
        var view = View(101, Dead("old", 5) with { Endpoint = "at-a" }, Dead("other", 5), Active("a"));

        Assert.Equal(isProven ? ["old"] : [], _proofs.Proven(view, Second(now)).Select(silo => silo.Silo));
    }

    [Theory]
    [InlineData(112.21, false)]
    [InlineData(112.22, true)]
    public void A_refused_connection_proves_an_end_once_no_lease_of_it_lasts(double now, bool isProven)
    {
        var view = View(109, Dead("b", 5), Dead("c", 5));

        _proofs.Refused("b", Second(110));
        _proofs.Refused("b", Second(112));

        Assert.Equal(isProven ? ["b"] : [], _proofs.Proven(view, Second(now)).Select(silo => silo.Silo));
    }

    [Fact]
    public void A_living_silo_is_not_proven_to_have_ended_though_its_port_refused()
    {
        _proofs.Refused("b", Second(110));

        Assert.Empty(_proofs.Proven(View(119, Active("b"), Joining("c")), Second(120)));
    }

    [Fact]
    public void A_silo_proves_nothing_about_itself()
    {
        var view = View(119, Dead("a", 5));

        Assert.Empty(_proofs.Proven(view, Second(120)));
        Assert.Empty(_proofs.ToProbe(view, Second(120)));
    }

    [Fact]
    public void Only_dead_silos_elsewhere_that_have_not_refused_and_may_still_decide_are_worth_a_try()
    {
        _proofs.Refused("refused", Second(110));
        var view = View(
            120,
            Active("a"),
            Active("active"),
            Joining("joining"),
            Dead("predecessor", 5) with { Endpoint = "at-a" },
            Dead("refused", 5),
            Dead("young", 60),
            Dead("old", 60.8));

        Assert.Equal(["young"], _proofs.ToProbe(view, Second(120)).Select(silo => silo.Silo));
    }

    [Fact]
    public void A_refusal_is_forgotten_with_the_silo()
    {
        _proofs.Refused("b", Second(110));
        _proofs.Proven(View(120, Active("a")), Second(120));

        Assert.Empty(_proofs.Proven(View(121, Dead("b", 5)), Second(121)));
    }
}
