using AuthCluster.Fence;
using static AuthCluster.FenceTests.Views;

namespace AuthCluster.FenceTests;

/// <summary>The load deadline is 7 s, floors are kept for 10 s, and leases last 1 s.</summary>
public sealed class SiloFenceTests
{
    private readonly Mandate _mandate = new("a", Times);
    private readonly SiloFence _fence;

    public SiloFenceTests()
    {
        _fence = new SiloFence(_mandate, Times);
        _mandate.ReadReturned(View(10, Active("a")));
    }

    [Fact]
    public void A_copy_decides_once_it_is_installed_and_while_the_silo_may()
    {
        var copy = _fence.Open("x");
        Assert.False(copy.MayDecide(Second(10)));

        Assert.True(copy.TryInstall(3, Second(10), Second(10.1)));

        Assert.True(copy.MayDecide(Second(10.1)));
        Assert.False(copy.MayDecide(Second(12)));
        Assert.Equal(3, copy.Version);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void A_void_marks_the_copies_that_are_older(long version, bool isCurrent)
    {
        var (first, second, other) = (Installed("x", 3), Installed("x", 3), Installed("y", 1));

        _fence.Void("x", version, Second(10.2));

        Assert.Equal(isCurrent, first.IsCurrent);
        Assert.Equal(isCurrent, second.MayDecide(Second(10.2)));
        Assert.True(other.IsCurrent);
    }

    [Theory]
    [InlineData(4, 9.9, false)]
    [InlineData(5, 9.9, true)]
    [InlineData(6, 9.9, true)]
    public void A_load_under_way_is_refused_when_it_brings_something_older_than_was_voided(long version, double began, bool isInstalled)
    {
        var copy = _fence.Open("x");
        _fence.Void("x", 5, Second(10));

        Assert.Equal(isInstalled, copy.TryInstall(version, Second(began), Second(10.1)));
        Assert.Equal(isInstalled, copy.IsCurrent);
    }

    [Fact]
    public void A_later_void_of_an_older_version_does_not_lower_the_floor()
    {
        var copy = _fence.Open("x");
        _fence.Void("x", 5, Second(10));
        _fence.Void("x", 4, Second(10.1));

        Assert.False(copy.TryInstall(4, Second(9.9), Second(10.2)));
    }

    [Fact]
    public void A_floor_outlasts_every_load_that_began_before_it()
    {
        Assert.True(Times.FloorKept > Times.LoadDeadline);
        var copy = _fence.Open("x");
        _fence.Void("x", 5, Second(10));

        Assert.False(copy.TryInstall(4, Second(14), Second(20)));
        Assert.True(copy.TryInstall(4, Second(15), Second(20.1)));
    }

    [Theory]
    [InlineData(16.9, true)]
    [InlineData(17, false)]
    public void A_load_that_took_too_long_is_not_installed(double now, bool isInstalled) =>
        Assert.Equal(isInstalled, _fence.Open("x").TryInstall(1, Second(10), Second(now)));

    [Fact]
    public void A_load_that_brings_less_than_the_copy_holds_is_refused_and_the_copy_must_be_read_again()
    {
        var copy = Installed("x", 3);

        Assert.False(copy.TryInstall(2, Second(10.1), Second(10.2)));

        Assert.False(copy.IsCurrent);
        Assert.Equal(3, copy.Version);
    }

    [Theory]
    [InlineData(5, 10.2, WriteReturn.Installed)]
    [InlineData(4, 10.2, WriteReturn.Overtaken)]
    [InlineData(5, 17.1, WriteReturn.TooLate)]
    public void The_return_of_a_write_is_checked_like_a_load(long version, double now, WriteReturn expected)
    {
        var copy = Installed("x", 3);
        _fence.Void("x", 5, Second(now));

        Assert.Equal(expected, copy.Written(version, Second(10.1), Second(now)));
        Assert.Equal(expected == WriteReturn.Installed, copy.IsCurrent);
    }

    [Fact]
    public void A_copy_in_doubt_decides_nothing_until_it_is_read_again()
    {
        var copy = Installed("x", 3);

        copy.Doubt();
        Assert.False(copy.MayDecide(Second(10.2)));

        Assert.True(copy.TryInstall(3, Second(10.2), Second(10.3)));
        Assert.True(copy.MayDecide(Second(10.3)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_closed_copy_is_not_used_any_more_and_the_others_are_still_marked(int closed)
    {
        FencedCopy[] copies = [Installed("x", 3), Installed("x", 3), Installed("x", 3)];

        _fence.Close(copies[closed]);

        Assert.False(copies[closed].IsCurrent);
        Assert.Equal(2, copies.Count(copy => copy.IsCurrent));
        _fence.Void("x", 4, Second(10.2));
        Assert.DoesNotContain(copies, copy => copy.IsCurrent);
    }

    [Theory]
    [InlineData(10.1, 5, 1)]
    [InlineData(10.1, 0.3, 0.3)]
    [InlineData(11.5, 5, 0.5)]
    [InlineData(12, 5, 0)]
    public void A_lease_lasts_as_long_as_is_wanted_but_not_beyond_a_second_nor_the_right(double now, double wanted, double granted) =>
        Assert.Equal(Second(granted), _fence.Grant(Installed("x", 3), Second(wanted), Second(now)));

    [Fact]
    public void A_marked_copy_lends_nothing()
    {
        var copy = Installed("x", 3);
        _fence.Void("x", 4, Second(10.2));

        Assert.Equal(TimeSpan.Zero, _fence.Grant(copy, Second(1), Second(10.3)));
        Assert.Equal(TimeSpan.Zero, _fence.LongestLease(Second(10.3)));
    }

    [Fact]
    public void A_void_tells_how_long_the_longest_lease_of_the_key_may_last_on_a_slower_clock()
    {
        var copy = Installed("x", 3);
        _fence.Grant(copy, Second(1), Second(10.1));
        _fence.Grant(copy, Second(0.2), Second(10.2));

        Assert.Equal(TimeSpan.Zero, _fence.Void("y", 4, Second(10.6)));
        Assert.Equal(Second(0.51), _fence.Void("x", 4, Second(10.6)));
        Assert.Equal(TimeSpan.Zero, _fence.Void("x", 4, Second(11.2)));
    }

    [Fact]
    public void A_lease_outlives_the_copy_that_lent_it()
    {
        var copy = Installed("x", 3);
        _fence.Grant(copy, Second(1), Second(10.1));

        _fence.Close(copy);

        Assert.Equal(Second(1.01), _fence.LongestLease(Second(10.1)));
        Assert.Equal(Second(1.01), _fence.Void("x", 4, Second(10.1)));
    }

    [Fact]
    public void What_is_over_is_dropped_and_what_lasts_is_kept_when_many_keys_have_gathered()
    {
        var lent = Installed("lent", 3);
        _fence.Void("floor", 5, Second(10));
        _fence.Grant(lent, Second(1), Second(10.1));
        for (var i = 0; i < 5_000; i++)
        {
            _fence.Void($"k{i}", 1, Second(10.2));
        }

        Assert.False(_fence.Open("floor").TryInstall(4, Second(10), Second(10.3)));
        Assert.Equal(Second(0.81), _fence.Void("lent", 4, Second(10.3)));
    }

    private FencedCopy Installed(string key, long version)
    {
        var copy = _fence.Open(key);
        Assert.True(copy.TryInstall(version, Second(10), Second(10.1)));
        return copy;
    }
}
