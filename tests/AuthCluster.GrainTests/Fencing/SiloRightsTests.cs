using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

public sealed class SiloRightsTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly SiloRights _rights;

    public SiloRightsTests() => _rights = new SiloRights("me", new FenceSettings("test", TimeSpan.FromMinutes(1), IsShared: true), _clock);

    [Fact]
    public void A_silo_may_decide_when_it_has_found_itself_active_and_holds_the_keys()
    {
        Assert.False(_rights.MayDecide);
        FindActive();
        Assert.False(_rights.MayDecide);
        HoldKeys(1);
        Assert.True(_rights.MayDecide);
    }

    [Fact]
    public void Keys_that_were_made_void_take_the_right_until_newer_ones_are_held()
    {
        FindActive();
        HoldKeys(1);

        _rights.Fence.Void(_rights.Keys.Key, 2, _rights.Now);
        Assert.False(_rights.MayDecide);
        Assert.False(HoldKeys(1));
        Assert.True(HoldKeys(2));
        Assert.True(_rights.MayDecide);
    }

    [Fact]
    public async Task Who_waits_is_answered_when_the_right_comes()
    {
        var waiting = _rights.WaitAsync();
        FindActive();
        _rights.Look(failedBegan: null);
        Assert.False(waiting.IsCompleted);

        HoldKeys(1);
        _rights.Look(failedBegan: null);
        Assert.True(await waiting);
    }

    [Fact]
    public async Task Who_waits_is_refused_by_a_reading_that_failed_and_began_after_the_wait_and_by_no_earlier_one()
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        var waiting = _rights.WaitAsync();

        _rights.Look(failedBegan: TimeSpan.FromSeconds(0.9));
        Assert.False(waiting.IsCompleted);
        _rights.Look(failedBegan: TimeSpan.FromSeconds(1));
        Assert.False(await waiting);
    }

    [Fact]
    public void A_silo_that_stood_still_for_longer_than_a_term_may_not_decide_until_it_has_read_again()
    {
        FindActive();
        HoldKeys(1);

        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(_rights.MayDecide);
        FindActive();
        Assert.True(_rights.MayDecide);
    }

    [Fact]
    public void Silos_of_one_process_keep_their_right_whatever_time_passes()
    {
        var rights = new SiloRights("me", new FenceSettings("test", TimeSpan.Zero, IsShared: false), _clock);
        rights.Mandate.ReadReturned(new Membership(rights.Now, rights.Now, TimeSpan.Zero, [new SiloEntry("me", "me", SiloStanding.Active, TimeSpan.Zero)]));
        rights.Keys.TryInstall(1, rights.Now, rights.Now);

        _clock.Advance(TimeSpan.FromDays(1_000));

        Assert.True(rights.MayDecide);
    }

    private void FindActive() => _rights.Mandate.ReadReturned(new Membership(
        _rights.Now, _rights.Now, TimeSpan.FromMinutes(1), [new SiloEntry("me", "me", SiloStanding.Active, TimeSpan.Zero)]));

    private bool HoldKeys(long version) => _rights.Keys.TryInstall(version, _rights.Now, _rights.Now);
}
