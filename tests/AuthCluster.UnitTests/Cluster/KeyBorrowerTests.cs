using System.Reflection;
using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.UnitTests.Keys;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.Keys;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Cluster;

/// <summary>When a front end without a silo asks for the keys, and what it says while it has none. The test controls the clock and the only thread.</summary>
public sealed class KeyBorrowerTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<KeyBorrower> _log = new();
    private readonly TestKeys _keys = new();
    private readonly KeyLease _lease;
    private readonly Readiness _readiness;
    private readonly List<TimeSpan> _asked = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly KeySnapshotRecord _snapshot;
    private readonly long _start;

    public KeyBorrowerTests()
    {
        _start = _clock.GetTimestamp();
        _lease = new KeyLease(_keys.Ring, _clock);
        _keys.Ring.UseRight(_lease);
        _readiness = new Readiness(_keys.Ring, _clock);
        _snapshot = _keys.Snapshot("one");
    }

    private TimeSpan Elapsed => _clock.GetElapsedTime(_start);

    private Task<KeyLeaseAnswer> Lent => Task.FromResult(new KeyLeaseAnswer(_snapshot, Second));

    private static Task<KeyLeaseAnswer> NothingLent => Task.FromResult(new KeyLeaseAnswer(null, TimeSpan.Zero));

    private static Task<KeyLeaseAnswer> Lost => new TaskCompletionSource<KeyLeaseAnswer>().Task;

    [Fact]
    public void A_front_end_whose_silos_lend_asks_each_four_tenths_of_a_second_and_is_never_without_the_right()
    {
        Run(4 * Second, _ => Lent, () => Assert.True(_keys.Ring.MayUse));

        Assert.All(Pauses(), pause => Assert.InRange(pause, 0.4 * Second, (0.4 * Second) + Step));
        Assert.True(_readiness.IsReady);
    }

    [Fact]
    public void A_call_that_is_lost_is_given_up_and_asked_again_before_the_lease_ends()
    {
        Run(4 * Second, tries => tries % 2 == 0 ? Lost : Lent, () => Assert.True(_keys.Ring.MayUse));

        Assert.Contains(Pauses(), pause => pause > 0.35 * Second - Step && pause < (0.35 * Second) + (2 * Step));
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public void An_answer_that_comes_after_its_call_was_given_up_is_taken_all_the_same()
    {
        Run(4 * Second, _ => LateAsync(), () => Assert.True(_keys.Ring.MayUse || Elapsed < 0.6 * Second));

        Assert.True(_readiness.IsReady);

        async Task<KeyLeaseAnswer> LateAsync()
        {
            await Task.Delay(0.5 * Second, _clock);
            return await Lent;
        }
    }

    [Fact]
    public void A_silo_that_may_not_lend_is_asked_again_soon_and_the_node_falls_out_after_five_seconds()
    {
        var lastReady = TimeSpan.Zero;
        Run(8 * Second, _ => Elapsed < Second ? Lent : NothingLent, () => lastReady = _readiness.IsReady ? Elapsed : lastReady);

        // The last lease was asked for shortly before the first second was over, and lasted a second.
        Assert.InRange(lastReady, 6.5 * Second, 7 * Second);
        Assert.InRange(_asked[^1] - _asked[^2], 0.05 * Second, (0.05 * Second) + Step);
        Assert.Equal("may not decide", _readiness.Reason);
    }

    [Fact]
    public void A_front_end_without_an_answer_for_five_seconds_says_that_there_is_no_silo()
    {
        Run(7 * Second, _ => Elapsed < Second ? Lent : Lost);

        Assert.Equal("no silo", _readiness.Reason);
        Assert.Contains("TimeoutException", Assert.Single(_log.Collector.GetSnapshot()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_that_nobody_expects_does_not_end_the_asking()
    {
        Run(Second, tries => tries == 1 ? Task.FromException<KeyLeaseAnswer>(new InvalidOperationException()) : Lent);

        Assert.True(_keys.Ring.MayUse);
        Assert.IsType<InvalidOperationException>(Assert.Single(_log.Collector.GetSnapshot()).Exception);
    }

    [Fact]
    public async Task Keys_under_another_key_encryption_key_end_the_asking()
    {
        var foreign = new TestKeys().Snapshot("one");

        await Assert.ThrowsAnyAsync<CryptographicException>(() => Borrower(_ => Task.FromResult(new KeyLeaseAnswer(foreign, Second))).RunAsync(_stop.Token));
    }

    public void Dispose() => _stop.Dispose();

    private IEnumerable<TimeSpan> Pauses() => _asked.Zip(_asked.Skip(1), (before, after) => after - before);

    private void Run(TimeSpan time, Func<int, Task<KeyLeaseAnswer>> lend, Action? check = null) => OneThread.Run(() =>
    {
        var running = Borrower(lend).RunAsync(_stop.Token);
        while (OneThread.RunWhatWaits() && Elapsed < time)
        {
            check?.Invoke();
            _clock.Advance(Step);
        }

        _stop.Cancel();
        OneThread.RunWhatWaits();
        Assert.True(running.IsCompletedSuccessfully);
    });

    private KeyBorrower Borrower(Func<int, Task<KeyLeaseAnswer>> lend)
    {
        var grain = DispatchProxy.Create<IKeyLeaseGrain, Scripted>();
        ((Scripted)(object)grain).Answer = () =>
        {
            _asked.Add(Elapsed);
            return lend(_asked.Count);
        };
        var grains = DispatchProxy.Create<IGrainFactory, Scripted>();
        ((Scripted)(object)grains).Answer = () => grain;
        return new KeyBorrower(grains, _lease, _readiness, _clock, _log);
    }
}
