using AuthCluster.Fence;
using static AuthCluster.FenceTests.Views;

namespace AuthCluster.FenceTests;

/// <summary>The term is 2 s and the outage grace 60 s.</summary>
public sealed class MandateTests
{
    private readonly Mandate _mandate = new("a", Times);

    [Fact]
    public void A_silo_that_has_never_read_itself_active_may_not_decide()
    {
        Assert.False(_mandate.MayDecide(TimeSpan.Zero));

        _mandate.ReadReturned(View(10, Joining("a")));
        _mandate.ReadFailed(Second(10.5));

        Assert.False(_mandate.MayDecide(Second(10.6)));
        Assert.False(_mandate.MaySpend(Second(10.6)));
        Assert.False(_mandate.HasBegun);
    }

    [Fact]
    public void A_good_reading_lets_a_silo_decide_for_a_term_from_when_the_reading_began()
    {
        _mandate.ReadReturned(View(10, returned: 10.5, Active("a")));

        Assert.True(_mandate.HasBegun);
        Assert.True(_mandate.MayDecide(Second(11.9)));
        Assert.False(_mandate.MayDecide(Second(12)));
    }

    [Fact]
    public void A_silo_that_was_stopped_for_longer_than_the_term_must_read_before_it_decides()
    {
        _mandate.ReadReturned(View(10, Active("a")));
        Assert.False(_mandate.MayDecide(Second(15)));

        _mandate.ReadReturned(View(15, Active("a")));

        Assert.True(_mandate.MayDecide(Second(15)));
    }

    [Theory]
    [InlineData(10.5, 12.4, true)]
    [InlineData(10.5, 12.5, false)]
    [InlineData(68.5, 69.9, true)]
    [InlineData(68.5, 70, false)]
    [InlineData(100, 100.1, false)]
    public void A_failed_reading_lets_a_silo_decide_for_a_term_from_when_it_began_until_the_grace_ends(double failed, double now, bool mayDecide)
    {
        _mandate.ReadReturned(View(10, Active("a")));

        _mandate.ReadFailed(Second(failed));

        Assert.Equal(mayDecide, _mandate.MayDecide(Second(now)));
    }

    [Fact]
    public void A_grace_that_is_shorter_than_the_term_does_not_shorten_the_term()
    {
        var mandate = new Mandate("a", Times with { OutageGrace = Second(1) });
        mandate.ReadReturned(View(10, Active("a")));

        mandate.ReadFailed(Second(11));

        Assert.Equal(Second(12), mandate.End);
    }

    [Fact]
    public void A_reading_that_began_earlier_does_not_shorten_the_right()
    {
        _mandate.ReadReturned(View(10, Active("a")));
        _mandate.ReadReturned(View(9, returned: 10.5, Active("a")));
        _mandate.ReadFailed(Second(9.5));

        Assert.Equal(Second(12), _mandate.End);
        Assert.Equal(Second(10), _mandate.Latest!.Began);
        Assert.Equal(Second(10), _mandate.LastGood!.Began);
    }

    [Fact]
    public void A_silo_that_reads_its_own_death_stops_for_ever()
    {
        _mandate.ReadReturned(View(10, Active("a"), Active("b")));

        _mandate.ReadReturned(View(10.5, Dead("a", 0.1), Active("b")));
        _mandate.ReadReturned(View(11, Active("a"), Active("b")));
        _mandate.ReadFailed(Second(11));
        _mandate.PeerAnswered(Second(11));

        Assert.True(_mandate.HasDied);
        Assert.False(_mandate.HasBegun);
        Assert.False(_mandate.MayDecide(Second(11)));
        Assert.False(_mandate.MaySpend(Second(11)));
    }

    [Fact]
    public void A_silo_whose_row_has_gone_has_died()
    {
        _mandate.ReadReturned(View(10, Active("a")));

        _mandate.ReadReturned(View(10.5, Active("b")));

        Assert.True(_mandate.HasDied);
        Assert.False(_mandate.MayDecide(Second(10.6)));
    }

    [Fact]
    public void A_silo_that_has_not_joined_yet_has_not_died()
    {
        _mandate.ReadReturned(View(10, Active("b")));

        Assert.False(_mandate.HasDied);
    }

    [Fact]
    public void A_reading_from_before_the_silo_joined_that_returns_late_is_no_death()
    {
        _mandate.ReadReturned(View(10, Active("a")));

        _mandate.ReadReturned(View(9, returned: 10.5, Active("b")));

        Assert.False(_mandate.HasDied);
    }

    [Fact]
    public void A_silo_that_stops_in_order_neither_decides_nor_spends_any_more()
    {
        _mandate.ReadReturned(View(10, Active("a")));

        _mandate.Stop();
        _mandate.ReadReturned(View(10.5, Active("a")));

        Assert.False(_mandate.HasBegun);
        Assert.False(_mandate.HasDied);
        Assert.False(_mandate.MayDecide(Second(10.6)));
        Assert.False(_mandate.MaySpend(Second(10.6)));
    }

    [Fact]
    public void A_silo_that_knew_others_spends_for_no_longer_than_a_term_without_an_answer_of_one()
    {
        _mandate.ReadReturned(View(10, Active("a"), Active("b"), Dead("c", 1), Joining("d")));
        _mandate.ReadFailed(Second(20));

        Assert.Equal(["b"], _mandate.Peers);
        Assert.True(_mandate.MayDecide(Second(20)));
        Assert.False(_mandate.MaySpend(Second(20)));

        _mandate.PeerAnswered(askedAt: Second(19));

        Assert.True(_mandate.MaySpend(Second(20.9)));
        Assert.False(_mandate.MaySpend(Second(21)));
    }

    [Fact]
    public void An_answer_of_another_silo_does_not_extend_the_right_to_spend_beyond_the_right_to_decide()
    {
        _mandate.ReadReturned(View(10, Active("a"), Active("b")));
        _mandate.ReadFailed(Second(69));

        _mandate.PeerAnswered(askedAt: Second(69.5));

        Assert.Equal(Second(70), _mandate.SpendEnd);
    }

    [Fact]
    public void A_silo_that_knew_no_other_spends_as_long_as_it_decides()
    {
        _mandate.ReadReturned(View(10, Active("a"), Dead("b", 5)));
        _mandate.ReadFailed(Second(20));

        Assert.Equal(Second(22), _mandate.SpendEnd);
    }

    [Theory]
    [InlineData("b", 11, true)]
    [InlineData("c", 11, false)]
    [InlineData("b", 12.5, false)]
    public void A_silo_answers_another_while_it_may_decide_and_has_not_read_its_death(string asker, double now, bool answers)
    {
        _mandate.ReadReturned(View(10, Active("a"), Active("b"), Dead("c", 1)));

        Assert.Equal(answers, _mandate.Answers(asker, Second(now)));
    }
}
