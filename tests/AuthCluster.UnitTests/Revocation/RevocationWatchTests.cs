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

/// <summary>How long a reader of the feed is held. The test moves the clock.</summary>
public sealed class RevocationWatchTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);
    private static readonly RevocationFeedAnswer Nothing = new() { Known = true, Next = "p1-0" };

    private readonly FakeTimeProvider _clock = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

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

    public void Dispose() => _services.Dispose();

    /// <summary>Reads, with a request that came <paramref name="authenticated"/> seconds ago.</summary>
    private (RevocationFeedAnswer Page, TimeSpan Took) Read(int authenticated, int wait, Func<Task<RevocationFeedAnswer>> answer)
    {
        var grain = DispatchProxy.Create<IRevocationFeedGrain, Scripted>();
        ((Scripted)(object)grain).Answer = answer;
        var grains = DispatchProxy.Create<IGrainFactory, Scripted>();
        ((Scripted)(object)grains).Answer = () => grain;
        var retry = new CallRetry(new CallMetrics(_services.GetRequiredService<IMeterFactory>()), _clock, NullLogger<CallRetry>.Instance);
        var watch = new RevocationWatch(grains, retry, CallTimeouts.ForFrontEnd, _clock, new Running());
        var arrived = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromSeconds(authenticated));
        return OneThread.Run(() =>
        {
            var read = watch.ReadAsync(null, TimeSpan.FromSeconds(wait), arrived, TestContext.Current.CancellationToken);
            while (OneThread.RunWhatWaits() && !read.IsCompleted && _clock.GetElapsedTime(arrived) < TimeSpan.FromMinutes(2))
            {
                _clock.Advance(TimeSpan.FromMilliseconds(10));
            }

            Assert.True(read.IsCompleted, "The reader was never answered.");
            return (read.GetAwaiter().GetResult(), _clock.GetElapsedTime(arrived));
        });
    }

    private static Task<RevocationFeedAnswer> Never() => new TaskCompletionSource<RevocationFeedAnswer>().Task;

    /// <summary>A process that is not about to stop.</summary>
    private sealed class Running : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication()
        {
        }
    }
}
