using AuthCluster.Grains.Clients;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Parts;

/// <summary>How long one call waits for work that it shares with others.</summary>
public sealed class CallWaitTests
{
    private readonly FakeTimeProvider _clock = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_the_work_ends_the_wait_at_once_and_with_the_result_of_the_work(bool isDone)
    {
        var work = new TaskCompletionSource<bool>();

        var waiting = new CallWait(_clock).ForAsync(work.Task);
        Assert.False(waiting.IsCompleted);
        work.SetResult(isDone);

        Assert.Equal(isDone ? WaitOutcome.Done : WaitOutcome.Unavailable, await waiting);
    }

    [Fact]
    public async Task A_call_waits_for_600_milliseconds_and_no_longer()
    {
        var waiting = new CallWait(_clock).ForAsync(new TaskCompletionSource<bool>().Task);

        _clock.Advance(TimeSpan.FromMilliseconds(599));
        Assert.False(waiting.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(WaitOutcome.TooLong, await waiting);
    }

    [Fact]
    public async Task The_time_counts_from_the_first_wait_on_and_over_all_of_them()
    {
        var wait = new CallWait(_clock);
        var first = new TaskCompletionSource<bool>();
        var waiting = wait.ForAsync(first.Task);
        _clock.Advance(TimeSpan.FromMilliseconds(400));
        first.SetResult(true);
        Assert.Equal(WaitOutcome.Done, await waiting);

        waiting = wait.ForAsync(new TaskCompletionSource<bool>().Task);
        _clock.Advance(TimeSpan.FromMilliseconds(199));
        Assert.False(waiting.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(WaitOutcome.TooLong, await waiting);
        // Also for work that is done already: nobody receives the decision of a call that was given up.
        Assert.Equal(WaitOutcome.TooLong, await wait.ForAsync(Task.FromResult(true)));
    }

    [Fact]
    public async Task A_call_that_finds_new_work_after_each_wait_is_sent_away_after_32_of_them()
    {
        var wait = new CallWait(_clock);

        for (var round = 0; round < 32; round++)
        {
            Assert.Equal(WaitOutcome.Done, await wait.ForAsync(Task.FromResult(true)));
        }

        Assert.Equal(WaitOutcome.TooLong, await wait.ForAsync(Task.FromResult(true)));
    }
}
