using System.Diagnostics.Metrics;
using System.Reflection;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Revocation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Revocation;

/// <summary>How long readers of the feed are held, and what ends their wait. The test moves the clock.</summary>
public sealed class RevocationWatchTests : IDisposable
{
    private const int ManyReaders = 100;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);
    private static readonly RevocationFeedAnswer Nothing = new() { Known = true, Next = "p1-0" };
    private static readonly RevocationFeedAnswer News = new()
    {
        Known = true,
        Next = "p1-1",
        Items = [new RevokedRecord(RevokedKind.Client, "orders", 2, DateTimeOffset.UnixEpoch)],
    };

    private readonly FakeTimeProvider _clock = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Lifetime _lifetime = new();
    private int _asked;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(4, 5)]
    [InlineData(4, 30)]
    public void A_reader_is_held_until_the_wait_that_it_named_has_passed_since_its_request_came(int authenticated, int wait)
    {
        var (page, took) = Read(authenticated, wait, () => Task.FromResult(Nothing));

        Assert.Same(Nothing, page);
        Assert.InRange(took.TotalSeconds, wait, wait + 0.2);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 1)]
    [InlineData(7, 30)]
    public void A_reader_gets_an_answer_within_the_deadline_of_its_request_when_no_silo_answers(int authenticated, int wait)
    {
        var (page, took) = Read(authenticated, wait, Never);

        Assert.False(page.Known);
        Assert.InRange(took, TimeSpan.FromSeconds(authenticated), Deadline + TimeSpan.FromSeconds(0.2));
    }

    [Fact]
    public void A_reader_that_comes_during_a_stop_is_held_for_one_second()
    {
        _lifetime.StopApplication();

        var (page, took) = Read(authenticated: 0, wait: 30, () => Task.FromResult(Nothing));

        Assert.Same(Nothing, page);
        Assert.InRange(took.TotalSeconds, 1, 1.2);
    }

    [Fact]
    public async Task One_question_brings_the_news_to_every_reader_that_waits()
    {
        var answer = Nothing;
        var reads = ReadMany(WatchOver(() => Task.FromResult(answer)));
        answer = News;

        _clock.Advance(Period);

        Assert.All(await Task.WhenAll(reads).WaitAsync(Deadline, Cancellation), page => Assert.Same(News, page));
        Assert.Equal(ManyReaders + 1, _asked);
    }

    [Fact]
    public async Task A_stop_answers_every_reader_that_waits_at_once()
    {
        var reads = ReadMany(WatchOver(() => Task.FromResult(Nothing)));

        _lifetime.StopApplication();

        Assert.All(await Task.WhenAll(reads).WaitAsync(Deadline, Cancellation), page => Assert.Same(Nothing, page));
    }

    [Fact]
    public void The_feed_is_asked_once_in_a_period_while_readers_wait_and_never_while_none_does() => OneThread.Run(() =>
    {
        var reads = ReadMany(WatchOver(() => Task.FromResult(Nothing)));
        Assert.Equal(ManyReaders, _asked);

        Pass(periods: 40);
        Assert.Equal(ManyReaders + 40, _asked);
        Assert.DoesNotContain(reads, read => read.IsCompleted);

        Pass(periods: 81);
        Assert.All(reads, read => Assert.True(read.IsCompletedSuccessfully));
        var atTheEnd = _asked;
        Pass(periods: 40);
        Assert.Equal(atTheEnd, _asked);
    });

    public void Dispose()
    {
        _services.Dispose();
        _lifetime.Dispose();
    }

    /// <summary>Reads, with a request that came <paramref name="authenticated"/> seconds ago.</summary>
    private (RevocationFeedAnswer Page, TimeSpan Took) Read(int authenticated, int wait, Func<Task<RevocationFeedAnswer>> answer)
    {
        var watch = WatchOver(answer);
        var arrived = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromSeconds(authenticated));
        return OneThread.Run(() =>
        {
            var read = watch.ReadAsync(null, TimeSpan.FromSeconds(wait), arrived, Cancellation);
            while (OneThread.RunWhatWaits() && !read.IsCompleted && _clock.GetElapsedTime(arrived) < TimeSpan.FromMinutes(2))
            {
                _clock.Advance(TimeSpan.FromMilliseconds(10));
            }

            Assert.True(read.IsCompleted, "The reader was never answered.");
            return (read.GetAwaiter().GetResult(), _clock.GetElapsedTime(arrived));
        });
    }

    /// <summary>Lets many readers ask and wait for 30 seconds.</summary>
    private List<Task<RevocationFeedAnswer>> ReadMany(RevocationWatch watch)
    {
        var reads = Enumerable.Range(0, ManyReaders)
            .Select(_ => watch.ReadAsync(null, TimeSpan.FromSeconds(30), _clock.GetTimestamp(), Cancellation))
            .ToList();
        Assert.DoesNotContain(reads, read => read.IsCompleted);
        return reads;
    }

    private void Pass(int periods)
    {
        for (var passed = 0; passed < periods; passed++)
        {
            _clock.Advance(Period);
            OneThread.RunWhatWaits();
        }
    }

    private RevocationWatch WatchOver(Func<Task<RevocationFeedAnswer>> answer)
    {
        var grain = DispatchProxy.Create<IRevocationFeedGrain, Scripted>();
        ((Scripted)(object)grain).Answer = () =>
        {
            _asked++;
            return answer();
        };
        var grains = DispatchProxy.Create<IGrainFactory, Scripted>();
        ((Scripted)(object)grains).Answer = () => grain;
        var retry = new CallRetry(new CallMetrics(_services.GetRequiredService<IMeterFactory>()), _clock, NullLogger<CallRetry>.Instance);
        return new RevocationWatch(grains, retry, CallTimeouts.ForFrontEnd, _clock, _lifetime);
    }

    private static Task<RevocationFeedAnswer> Never() => new TaskCompletionSource<RevocationFeedAnswer>().Task;

    /// <summary>A process that stops when the test says so.</summary>
    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}
