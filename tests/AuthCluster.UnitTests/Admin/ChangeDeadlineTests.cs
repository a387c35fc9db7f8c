using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Admin;
using AuthCluster.Web.GrainCalls;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Admin;

/// <summary>
/// A grain waits until a change holds everywhere, and its caller is answered within 8 s whether it does or not. The test controls the clock and the
/// only thread.
/// </summary>
public sealed class ChangeDeadlineTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Deadline = 8 * Second;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    // How long an answer may take on its way back.
    private static readonly TimeSpan OnTheWay = 0.25 * Second;

    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedClientGrain _grain = ScriptedClientGrain.Create();
    private readonly List<(TimeSpan At, ActorRecord Actor)> _attempts = [];
    private readonly long _start;

    public ChangeDeadlineTests() => _start = _clock.GetTimestamp();

    public static TheoryData<bool> Roles => [true, false];

    private TimeSpan Elapsed => _clock.GetElapsedTime(_start);

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_grain_that_waits_for_as_long_as_it_may_is_heard_in_its_first_attempt(bool frontEnd)
    {
        var (answer, took) = Change(frontEnd, actor => AnsweredAfterAsync(actor.AnswerWithin + OnTheWay));

        Assert.Equal(TimeSpan.Zero, answer.UnconfirmedFor);
        Assert.Single(_attempts);
        Assert.InRange(took, 4 * Second, Deadline);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_change_whose_first_call_was_lost_is_still_answered_in_time_by_a_grain_that_waits_for_as_long_as_it_may(bool frontEnd)
    {
        var (answer, took) = Change(frontEnd, actor => _attempts.Count == 1 ? LostAsync() : AnsweredAfterAsync(actor.AnswerWithin + OnTheWay));

        Assert.Equal(ClientOutcome.Done, answer.Outcome);
        Assert.Equal(2, _attempts.Count);
        Assert.InRange(took, TimeSpan.Zero, Deadline);
        // Leases of a second run out meanwhile.
        Assert.InRange(_attempts[1].Actor.AnswerWithin, 1.1 * Second, 3 * Second);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Every_attempt_of_one_change_has_the_same_audit_id(bool frontEnd)
    {
        Change(frontEnd, _ => LostAsync());

        Assert.All(_attempts, attempt => Assert.Equal("audit-1", attempt.Actor.AuditId));
        Assert.True(_attempts.Count > 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(2)]
    [InlineData(4.9)]
    [InlineData(7.5)]
    [InlineData(7.95)]
    public void No_attempt_is_told_more_time_than_its_request_has_left(double used)
    {
        var change = NewChange();
        _clock.Advance(used * Second);

        Change(frontEnd: true, _ => LostAsync(), change);

        Assert.NotEmpty(_attempts);
        Assert.All(_attempts, attempt => Assert.InRange(attempt.Actor.AnswerWithin, TimeSpan.FromTicks(1), Deadline - attempt.At));
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void No_attempt_is_given_up_before_the_time_that_it_was_told(bool frontEnd)
    {
        var late = 0;
        Change(frontEnd, async actor =>
        {
            var told = Elapsed + actor.AnswerWithin;
            await Task.Delay(actor.AnswerWithin, _clock);
            // The next attempt begins when this one was given up.
            late += _attempts[^1].At < told && _attempts[^1].Actor != actor ? 1 : 0;
            return await LostAsync();
        });

        Assert.True(_attempts.Count > 1);
        Assert.Equal(0, late);
    }

    [Fact]
    public void A_request_whose_time_is_over_changes_nothing()
    {
        var change = NewChange();
        _clock.Advance(Deadline);

        var (answer, _) = Change(frontEnd: true, _ => LostAsync(), change);

        Assert.Equal(ClientOutcome.Unavailable, answer.Outcome);
        Assert.Empty(_attempts);
    }

    [Fact]
    public async Task The_time_in_which_a_body_comes_or_secrets_are_hashed_does_not_count()
    {
        var deadline = new AdminDeadline(_clock);
        _clock.Advance(2 * Second);

        await deadline.SuspendAsync(() =>
        {
            _clock.Advance(20 * Second);
            return Task.FromResult(true);
        });

        Assert.Equal(6 * Second, deadline.Left);
    }

    private AdminChange NewChange() => new(new ActorRecord("boss", "127.0.0.1", "request", "audit-1"), new AdminDeadline(_clock));

    private static Task<ClientAnswer> LostAsync() => new TaskCompletionSource<ClientAnswer>().Task;

    private async Task<ClientAnswer> AnsweredAfterAsync(TimeSpan time)
    {
        await Task.Delay(time, _clock);
        return new ClientAnswer { Outcome = ClientOutcome.Done, UnconfirmedFor = TimeSpan.Zero };
    }

    private (ClientAnswer Answer, TimeSpan Took) Change(bool frontEnd, Func<ActorRecord, Task<ClientAnswer>> grain, AdminChange? change = null)
    {
        Assert.True(ClientId.TryParse("orders", out var id));
        _grain.Answers["SetEnabledAsync"] = command =>
        {
            var actor = ((SetEnabledCommand)command!).Actor;
            _attempts.Add((Elapsed, actor));
            return grain(actor);
        };
        var grains = _grain.Grains(_clock, frontEnd ? CallTimeouts.ForFrontEnd : CallTimeouts.ForSilo);
        return OneThread.Run(() =>
        {
            var asked = grains.ChangeClientAsync(id, change ?? NewChange(), (client, actor) => client.SetEnabledAsync(new SetEnabledCommand(false, null, actor), CancellationToken.None));
            while (OneThread.RunWhatWaits() && !asked.IsCompleted && Elapsed < 3 * Deadline)
            {
                _clock.Advance(Step);
            }

            Assert.True(asked.IsCompleted, "There is no answer long after the deadline.");
            return (asked.GetAwaiter().GetResult(), Elapsed);
        });
    }
}
