using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Web.Keys;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Keys;

/// <summary>How long a front end without a silo may use the keys that it has borrowed, and who waits when it may not.</summary>
public sealed class KeyLeaseTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly TestKeys _keys = new();
    private readonly KeyLease _lease;
    private readonly KeySnapshotRecord _snapshot;

    public KeyLeaseTests()
    {
        _lease = new KeyLease(_keys.Ring, _clock);
        _keys.Ring.UseRight(_lease);
        _snapshot = _keys.Snapshot("one");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private KeyRing Ring => _keys.Ring;

    [Fact]
    public void Keys_on_whose_use_nothing_depends_may_always_be_used_once_they_are_there()
    {
        var keys = new TestKeys();
        Assert.False(keys.Ring.MayUse);

        keys.Ring.Update(keys.Snapshot("one"));

        Assert.True(keys.Ring.MayUse);
    }

    [Fact]
    public void A_lease_counts_from_before_it_was_asked_for()
    {
        var asked = _clock.GetTimestamp();
        _clock.Advance(0.4 * Second);
        _lease.Renew(new KeyLeaseAnswer(_snapshot, Second), asked);

        _clock.Advance((0.6 * Second) - Instant);
        Assert.True(Ring.MayUse);
        _clock.Advance(Instant);
        Assert.False(Ring.MayUse);
    }

    [Fact]
    public void An_answer_that_comes_after_its_lease_is_over_gives_no_right()
    {
        var asked = _clock.GetTimestamp();
        _clock.Advance(Second);
        _lease.Renew(new KeyLeaseAnswer(_snapshot, Second), asked);

        Assert.False(Ring.MayUse);
    }

    [Fact]
    public void A_silo_that_lends_nothing_takes_nothing_away()
    {
        Lend(_snapshot, Second);

        _lease.Renew(new KeyLeaseAnswer(null, TimeSpan.Zero), _clock.GetTimestamp());

        Assert.True(Ring.MayUse);
    }

    [Fact]
    public void A_shorter_lease_of_the_same_keys_leaves_the_longer_one_in_force()
    {
        Lend(_snapshot, Second);
        Lend(_snapshot, 0.1 * Second);

        _clock.Advance(0.9 * Second);
        Assert.True(Ring.MayUse);
    }

    [Fact]
    public void Other_keys_may_be_used_only_as_long_as_they_were_lent_themselves()
    {
        Lend(_snapshot, Second);
        Lend(_keys.Snapshot("two"), 0.1 * Second);
        Assert.Equal("two", Ring.Current!.Active.Key.KeyId);

        _clock.Advance(0.1 * Second);
        Assert.False(Ring.MayUse);
    }

    [Fact]
    public void A_late_answer_does_not_bring_older_keys_back_and_lengthens_no_lease()
    {
        var asked = _clock.GetTimestamp();
        _clock.Advance(0.4 * Second);
        Lend(_keys.Snapshot("two"), 0.2 * Second);

        _lease.Renew(new KeyLeaseAnswer(_snapshot, Second), asked);

        Assert.Equal("two", Ring.Current!.Active.Key.KeyId);
        _clock.Advance(0.2 * Second);
        Assert.False(Ring.MayUse);
    }

    [Fact]
    public void A_late_answer_with_the_same_keys_gives_the_right_until_its_own_end()
    {
        var asked = _clock.GetTimestamp();
        _clock.Advance(0.4 * Second);
        Lend(_snapshot, 0.1 * Second);

        _lease.Renew(new KeyLeaseAnswer(_snapshot, Second), asked);

        _clock.Advance((0.6 * Second) - Instant);
        Assert.True(Ring.MayUse);
        _clock.Advance(Instant);
        Assert.False(Ring.MayUse);
    }

    [Fact]
    public void Keys_that_can_not_be_unwrapped_end_the_right_to_those_before()
    {
        Lend(_snapshot, Second);

        Assert.ThrowsAny<CryptographicException>(() => Lend(new TestKeys().Snapshot("two"), Second));

        Assert.False(Ring.MayUse);
    }

    [Fact]
    public async Task A_hundred_that_wait_go_on_when_one_lease_comes()
    {
        Lend(_snapshot, Second);
        _clock.Advance(Second);
        var waiting = Enumerable.Range(0, 100).Select(_ => Ring.WaitUntilUsableAsync(8 * Second, Cancellation).AsTask()).ToList();
        Assert.DoesNotContain(waiting, wait => wait.IsCompleted);

        Lend(_snapshot, Second);

        Assert.All(await Task.WhenAll(waiting), Assert.True);
    }

    [Fact]
    public async Task Who_waits_for_the_first_keys_goes_on_when_they_come()
    {
        var waiting = Ring.WaitUntilUsableAsync(8 * Second, Cancellation).AsTask();

        Lend(_snapshot, Second);

        Assert.True(await waiting);
    }

    [Fact]
    public async Task A_wait_ends_at_its_bound_without_the_right()
    {
        var waiting = Ring.WaitUntilUsableAsync(3 * Second, Cancellation).AsTask();

        _clock.Advance((3 * Second) - Instant);
        Assert.False(waiting.IsCompleted);
        _clock.Advance(Instant);

        Assert.False(await waiting);
    }

    [Fact]
    public async Task Nobody_waits_whose_deadline_is_over() =>
        Assert.False(await Ring.WaitUntilUsableAsync(-Second, Cancellation));

    [Fact]
    public async Task A_caller_that_has_gone_waits_no_longer()
    {
        using var gone = new CancellationTokenSource();
        var waiting = Ring.WaitUntilUsableAsync(8 * Second, gone.Token).AsTask();

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private void Lend(KeySnapshotRecord snapshot, TimeSpan lease) => _lease.Renew(new KeyLeaseAnswer(snapshot, lease), _clock.GetTimestamp());
}
