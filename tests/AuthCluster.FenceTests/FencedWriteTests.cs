using System.Collections.Immutable;
using AuthCluster.Fence;
using static AuthCluster.FenceTests.Views;

namespace AuthCluster.FenceTests;

/// <summary>
/// The write is on silo "a", is stored at second 100 and has to be answered by second 108. A dead silo decides for 60.8 s and spends for 4.24 s
/// at most; the proof of its end is waited for until it has been dead for 3 s.
/// </summary>
public sealed class FencedWriteTests
{
    private readonly FencedWrite _write = new("a", WriteKind.Change, Second(108), Times);
    private readonly FencedWrite _claim = new("a", WriteKind.Claim, Second(108), Times);

    [Fact]
    public void Every_active_silo_is_asked_and_the_own_one_and_nobody_else()
    {
        var step = _write.ReadReturned(View(100, Active("b"), Active("c"), Joining("d"), Dead("e", 100)), Second(100.1));

        Assert.Equal(["a", "b", "c"], step.Void.Order());
        Assert.Equal(Times.AskAgainAfter, step.LookAfter);
        Assert.Null(step.Answer);
    }

    [Fact]
    public void A_write_holds_everywhere_once_all_have_acknowledged()
    {
        var view = View(100, Active("a"), Active("b"));
        _write.ReadReturned(view, Second(100.1));

        Acknowledge(_write, "a");
        Assert.False(_write.IsAcknowledged);
        Assert.Equal(["b"], _write.Look(view, Second(100.3)).Void);
        Assert.Equal(["b"], _write.Unacknowledged);

        Acknowledge(_write, "b");
        Assert.True(_write.IsAcknowledged);
        AssertEverywhere(_write.Look(view, Second(100.4)));
    }

    [Fact]
    public void The_longest_lease_is_waited_for_stretched()
    {
        var view = View(100, Active("a"), Active("b"));
        _write.ReadReturned(view, Second(100.1));
        _write.Acknowledged("a", Second(1), Second(100.1));
        _write.Acknowledged("b", Second(0.2), Second(100.2));

        Assert.Equal(Times.AskAgainAfter, _write.Look(view, Second(100.2)).LookAfter);
        Assert.Equal(Second(0.01), _write.Look(view, Second(101.1)).LookAfter);
        AssertEverywhere(_write.Look(view, Second(101.11)));
    }

    [Fact]
    public void A_living_silo_that_does_not_answer_is_named_without_an_end_at_the_deadline()
    {
        var view = View(100, Active("a"), Active("b"), Active("c"));
        _write.ReadReturned(view, Second(100.1));
        Acknowledge(_write, "a", "c");

        Assert.Equal(["b"], _write.Look(view, Second(107.9)).Void);
        AssertNamed(_write.Look(view, Second(108)), new UnconfirmedSilo("b", null));
    }

    [Fact]
    public void No_write_is_answered_before_the_own_silo_has_acknowledged()
    {
        var view = View(100, Active("a"), Active("b"));
        _write.ReadReturned(view, Second(100.1));
        Acknowledge(_write, "b");

        Assert.Equal(["a"], _write.Look(view, Second(120)).Void);
    }

    [Fact]
    public void A_silo_that_is_proven_to_have_ended_is_not_waited_for()
    {
        _write.ReadReturned(View(100, Active("a"), Active("b"), Dead("c", 1)), Second(100.1));
        Acknowledge(_write, "a");

        AssertEverywhere(_write.Look(View(101, Active("a")), Second(101)));
    }

    [Fact]
    public void A_silo_that_acknowledged_and_died_is_not_waited_for()
    {
        _write.ReadReturned(View(100, Active("a"), Active("b")), Second(100.1));
        Acknowledge(_write, "a", "b");

        AssertEverywhere(_write.Look(View(101, Active("a"), Dead("b", 0.5)), Second(101)));
    }

    [Fact]
    public void A_silo_that_died_lately_may_be_proven_to_have_ended_for_five_seconds_and_is_named_with_its_end_then()
    {
        _write.ReadReturned(View(100, Active("a"), Active("b")), Second(100.1));
        Acknowledge(_write, "a");
        var view = View(101, Active("a"), Dead("b", 1));

        Assert.Equal(Times.AskAgainAfter / 2, _write.Look(view, Second(104.9)).LookAfter);
        AssertNamed(_write.Look(view, Second(105)), new UnconfirmedSilo("b", Second(60.8 - 5)));
    }

    [Fact]
    public void At_the_deadline_no_proof_is_waited_for()
    {
        _write.ReadReturned(View(100, Active("a"), Active("b")), Second(100.1));
        Acknowledge(_write, "a");

        AssertNamed(_write.Look(View(108, Active("a"), Dead("b", 1)), Second(108)), new UnconfirmedSilo("b", Second(60.8 - 1)));
    }

    [Theory]
    [InlineData(60.7, false)]
    [InlineData(60.8, true)]
    public void A_silo_that_was_dead_already_is_named_until_it_can_decide_no_more(double deadFor, bool isEverywhere)
    {
        var view = View(100, Active("a"), Dead("b", deadFor));
        _write.ReadReturned(view, Second(100));
        Acknowledge(_write, "a");

        Assert.Equal(isEverywhere ? FenceOutcome.Everywhere : FenceOutcome.NotEverywhere, _write.Look(view, Second(100)).Answer!.Outcome);
    }

    [Fact]
    public void The_age_of_a_death_counts_from_when_the_reading_returned()
    {
        var view = View(100, returned: 100.6, Active("a"), Dead("b", 60));
        _write.ReadReturned(view, Second(100.6));
        Acknowledge(_write, "a");

        AssertNamed(_write.Look(view, Second(101)), new UnconfirmedSilo("b", Second(0.4)));
    }

    [Fact]
    public void A_silo_that_joined_after_the_first_reading_is_not_waited_for_dead_or_alive()
    {
        _write.ReadReturned(View(100, Active("a"), Joining("b")), Second(100.1));
        Acknowledge(_write, "a");

        AssertEverywhere(_write.Look(View(101, Active("a"), Dead("b", 0.1), Active("c"), Dead("d", 0.1)), Second(101)));
    }

    [Fact]
    public void A_silo_that_the_first_reading_found_dead_is_named_though_a_later_one_that_was_answered_earlier_found_it_active()
    {
        _write.ReadReturned(View(100, returned: 100.4, Active("a"), Dead("b", 6)), Second(100.4));
        Acknowledge(_write, "a");

        var step = _write.Look(View(100.1, returned: 100.2, Active("a"), Active("b")), Second(100.4));

        AssertNamed(step, new UnconfirmedSilo("b", Second(60.8 - 6)));
    }

    [Fact]
    public void A_silo_that_worked_at_the_first_reading_is_named_though_a_later_one_that_was_answered_earlier_found_it_joining_or_not_at_all()
    {
        foreach (var earlier in new[] { View(100.1, returned: 100.2, Active("a"), Joining("b")), View(100.1, returned: 100.2, Active("a")) })
        {
            var write = new FencedWrite("a", WriteKind.Change, Second(108), Times);
            write.ReadReturned(View(100, returned: 100.4, Active("a"), Active("b")), Second(100.4));
            Acknowledge(write, "a");

            Assert.Equal(["b"], write.Look(earlier, Second(100.5)).Void);
            AssertNamed(write.Look(earlier, Second(108)), new UnconfirmedSilo("b", null));
        }
    }

    [Fact]
    public void The_longest_grace_of_any_silo_tells_how_long_a_dead_one_may_decide()
    {
        var view = new Membership(Second(100), Second(100), Second(600), [Active("a"), Dead("b", 61)]);
        _write.ReadReturned(view, Second(100));
        Acknowledge(_write, "a");

        AssertNamed(_write.Look(view, Second(100)), new UnconfirmedSilo("b", Second(606.2 - 61)));
    }

    [Fact]
    public void Without_a_first_reading_it_is_unknown_where_a_write_holds_but_not_before_the_deadline()
    {
        var step = _write.ReadFailed(Second(107.9));
        Assert.Null(step.Answer);
        Assert.NotNull(step.LookAfter);
        Assert.Empty(step.Void);

        Assert.Equal(FenceOutcome.Unknown, _write.ReadFailed(Second(108)).Answer!.Outcome);
    }

    [Fact]
    public void A_claim_waits_until_the_dead_can_spend_no_more_and_not_until_they_can_decide_no_more()
    {
        var view = View(100, Active("a"), Dead("b", 4), Dead("c", 2));
        _claim.ReadReturned(view, Second(100));
        Acknowledge(_claim, "a");

        Assert.Null(_claim.Look(view, Second(102.2)).Answer);
        AssertEverywhere(_claim.Look(view, Second(102.24)));
    }

    [Fact]
    public void A_claim_waits_also_for_a_silo_that_died_after_the_first_reading()
    {
        _claim.ReadReturned(View(100, Active("a"), Active("b")), Second(100));
        Acknowledge(_claim, "a");
        var view = View(101, Active("a"), Dead("b", 0));

        Assert.Null(_claim.Look(view, Second(105.2)).Answer);
        AssertEverywhere(_claim.Look(view, Second(105.24)));
    }

    [Fact]
    public void A_claim_waits_for_a_silo_that_only_the_first_reading_found_dead()
    {
        _claim.ReadReturned(View(100, returned: 100.4, Active("a"), Dead("b", 4)), Second(100.4));
        Acknowledge(_claim, "a");
        var later = View(100.1, returned: 100.2, Active("a"), Active("b"));

        Assert.Null(_claim.Look(later, Second(100.6)).Answer);
        AssertEverywhere(_claim.Look(later, Second(100.64)));
    }

    [Fact]
    public void A_claim_that_a_living_silo_does_not_acknowledge_is_not_confirmed()
    {
        var view = View(100, Active("a"), Active("b"));
        _claim.ReadReturned(view, Second(100));
        Acknowledge(_claim, "a");

        Assert.Equal(["b"], _claim.Look(view, Second(107)).Void);
        Assert.Equal(FenceOutcome.Unknown, _claim.Look(view, Second(108)).Answer!.Outcome);
    }

    [Fact]
    public void A_claim_is_given_up_three_seconds_after_the_deadline()
    {
        _claim.ReadReturned(View(100, Active("a")), Second(100));
        Acknowledge(_claim, "a");

        Assert.Null(_claim.Look(View(110, Active("a"), Dead("b", 0)), Second(110.9)).Answer);
        Assert.Equal(FenceOutcome.Unknown, _claim.Look(View(110, Active("a"), Dead("b", 0)), Second(111)).Answer!.Outcome);
    }

    private static void Acknowledge(FencedWrite write, params string[] silos)
    {
        foreach (var silo in silos)
        {
            write.Acknowledged(silo, TimeSpan.Zero, Second(100.2));
        }
    }

    private static void AssertEverywhere(WriteStep step)
    {
        Assert.Equal(FenceOutcome.Everywhere, step.Answer?.Outcome);
        Assert.Empty(step.Answer!.Unconfirmed);
        Assert.Null(step.LookAfter);
    }

    private static void AssertNamed(WriteStep step, params ImmutableArray<UnconfirmedSilo> silos)
    {
        Assert.Equal(FenceOutcome.NotEverywhere, step.Answer?.Outcome);
        Assert.Equal(silos.AsEnumerable(), step.Answer!.Unconfirmed);
    }
}
