using AuthCluster.Web.OAuth;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>When a failed authentication is answered. The test moves the clock.</summary>
public sealed class RefusalPacerTests : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly FakeTimeProvider _clock = new();
    private readonly RefusalPacer _pacer;

    public RefusalPacerTests() => _pacer = new RefusalPacer(_clock);

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(15)]
    public void A_refusal_is_answered_at_the_second_tick_after_its_request_came_however_long_the_decision_took(int milliseconds)
    {
        var arrived = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

        var held = _pacer.WaitAsync(arrived);

        _clock.Advance((2 * Tick) - TimeSpan.FromMilliseconds(milliseconds + 1));
        Assert.False(held.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(held.IsCompleted);
    }

    [Fact]
    public void A_refusal_whose_decision_took_long_is_answered_at_the_next_tick()
    {
        var arrived = _clock.GetTimestamp();
        _clock.Advance((20 * Tick) + TimeSpan.FromMilliseconds(4));

        var held = _pacer.WaitAsync(arrived);

        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Assert.False(held.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(held.IsCompleted);
    }

    [Fact]
    public void Requests_that_came_within_one_tick_are_answered_at_one_moment()
    {
        var first = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromMilliseconds(9));
        Task[] held = [_pacer.WaitAsync(_clock.GetTimestamp()), _pacer.WaitAsync(first)];

        _clock.Advance(TimeSpan.FromMilliseconds(10));
        Assert.All(held, each => Assert.False(each.IsCompleted));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.All(held, each => Assert.True(each.IsCompleted));
    }

    [Fact]
    public void Refusals_of_one_tick_are_answered_in_a_random_order()
    {
        var decided = Enumerable.Range(0, 50).ToList();

        var (first, second) = (AnsweredOf(decided), AnsweredOf(decided));

        Assert.All([first, second], answered => Assert.Equal(decided, answered.Order()));
        Assert.NotEqual(decided, first);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Disposing_the_pacer_releases_all_waiting_refusals()
    {
        var held = _pacer.WaitAsync(_clock.GetTimestamp());

        _pacer.Dispose();

        Assert.True(held.IsCompletedSuccessfully);
    }

    public void Dispose() => _pacer.Dispose();

    /// <summary>Holds refusals that came at one moment, in the order of their decisions. Returns them in the order of their answers.</summary>
    private List<int> AnsweredOf(List<int> decided) => OneThread.Run(() =>
    {
        var answered = new List<int>();
        var held = decided.ConvertAll(HoldAsync);
        _clock.Advance(2 * Tick);
        OneThread.RunWhatWaits();
        Assert.All(held, each => Assert.True(each.IsCompletedSuccessfully));
        return answered;

        async Task HoldAsync(int refusal)
        {
            await _pacer.WaitAsync(_clock.GetTimestamp());
            answered.Add(refusal);
        }
    });
}
