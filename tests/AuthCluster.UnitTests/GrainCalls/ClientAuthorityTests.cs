using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Reflection;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Clients;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime.Messaging;

namespace AuthCluster.UnitTests.GrainCalls;

/// <summary>How often a front end asks, how long it waits, and what it counts. The test controls the clock and the only thread.</summary>
public sealed class ClientAuthorityTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan DecisionTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    // A pause that would last beyond the deadline is not begun, so a call may end this much earlier.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(160);

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<CallRetry> _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MetricCollector<long> _repeats;
    private readonly List<TimeSpan> _asked = [];
    private readonly long _start;

    public ClientAuthorityTests()
    {
        _repeats = new MetricCollector<long>(Meters, "AuthCluster.Cluster", "authcluster.cluster.repeats");
        _start = _clock.GetTimestamp();
    }

    public static TheoryData<bool> Roles => [true, false];

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_silo_that_never_answers_is_given_up_at_the_deadline(bool frontEnd)
    {
        var (answer, took) = Decide(frontEnd, _ => LostAsync<IssueTokenAnswer>());

        Assert.Equal(DecisionKind.Unavailable, answer.Kind);
        Assert.InRange(took, Deadline - LongestPause, Deadline + Step);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_call_that_is_begun_late_ends_with_the_deadline(bool frontEnd)
    {
        // A lost silo refuses for a while; then the silo that holds the grain next hangs.
        var (answer, took) = Decide(frontEnd, _ => Elapsed < TimeSpan.FromSeconds(5)
            ? Task.FromException<IssueTokenAnswer>(new SiloUnavailableException())
            : LostAsync<IssueTokenAnswer>());

        Assert.Equal(DecisionKind.Unavailable, answer.Kind);
        Assert.InRange(took, Deadline - Step, Deadline + Step);
    }

    [Fact]
    public void A_front_end_without_a_silo_asks_again_after_a_second_and_giving_up_is_no_repeat()
    {
        Decide(frontEnd: true, _ => LostAsync<IssueTokenAnswer>());

        Assert.Equal(9, _asked.Count);
        Assert.InRange(_asked[1], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.1));
        Assert.Equal(Enumerable.Repeat("timeout", 8), Reasons(_repeats));
    }

    [Fact]
    public void A_front_end_beside_its_silo_waits_until_Orleans_ends_the_first_try_and_then_asks_more_often()
    {
        Decide(frontEnd: false, _ => LostAsync<IssueTokenAnswer>());

        Assert.Equal(7, _asked.Count);
        Assert.InRange(_asked[1], TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3.1));
        Assert.All(_asked.Skip(1).Zip(_asked.Skip(2)), pair => Assert.InRange(pair.Second - pair.First, TimeSpan.FromSeconds(0.75), TimeSpan.FromSeconds(0.95)));
    }

    [Fact]
    public void A_front_end_beside_its_silo_waits_for_a_write_as_long_as_Orleans_does()
    {
        var (outcome, took) = Run(
            frontEnd: false,
            calls => calls.Issued.RevokeAsync(Token, TestContext.Current.CancellationToken),
            tries => tries == 1 ? LostWriteAsync() : Task.FromResult(new ClientAnswer { Outcome = ClientOutcome.Done }));

        Assert.Equal(ClientOutcome.Done, outcome);
        Assert.InRange(took, TimeSpan.FromSeconds(7.5), TimeSpan.FromSeconds(7.6));
    }

    [Fact]
    public void A_call_that_its_caller_cancelled_is_not_repeated()
    {
        using var gone = new CancellationTokenSource();

        Assert.ThrowsAny<OperationCanceledException>(() => Run<AuthenticateAnswer, AuthenticateAnswer>(
            frontEnd: false,
            calls => calls.Authority.AuthenticateAsync(Credentials, "7F0000", gone.Token),
            async _ =>
            {
                await gone.CancelAsync();
                throw new OperationCanceledException();
            }));

        Assert.Single(_asked);
    }

    [Fact]
    public void A_failure_that_no_lost_silo_explains_is_logged_when_it_lasts_until_the_deadline()
    {
        Decide(frontEnd: false, _ => Task.FromException<IssueTokenAnswer>(new OrleansException("The directory is not stable.")));
        Assert.Contains("OrleansException: The directory is not stable.", Assert.Single(_log.Collector.GetSnapshot()).Message, StringComparison.Ordinal);

        _log.Collector.Clear();
        Decide(frontEnd: false, _ => Task.FromException<IssueTokenAnswer>(new SiloUnavailableException()));
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_repeat_that_was_lost_on_its_way_is_soon_asked_again(bool frontEnd)
    {
        var (answer, took) = Decide(frontEnd, tries => tries switch
        {
            1 => Task.FromException<IssueTokenAnswer>(new SiloUnavailableException()),
            2 => LostAsync<IssueTokenAnswer>(),
            _ => Task.FromResult(new IssueTokenAnswer { Kind = DecisionKind.Refused }),
        });

        Assert.Equal(DecisionKind.Refused, answer.Kind);
        Assert.InRange(took, TimeSpan.FromSeconds(0.75), TimeSpan.FromSeconds(0.85));
    }

    [Fact]
    public void Orleans_times_out_a_decision_long_before_the_deadline_so_that_a_lost_decision_is_asked_again()
    {
        string[] decisions = [nameof(IClientGrain.IssueTokenAsync), nameof(IClientGrain.AuthenticateAsync), nameof(IClientGrain.CheckTokenAsync)];

        Assert.All(decisions, decision =>
            Assert.Equal(DecisionTimeout, typeof(IClientGrain).GetMethod(decision)!.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout));
    }

    [Fact]
    public void A_silo_that_is_gone_is_asked_less_and_less_often()
    {
        Decide(frontEnd: false, _ => Elapsed < TimeSpan.FromSeconds(1)
            ? Task.FromException<IssueTokenAnswer>(new SiloUnavailableException())
            : Task.FromResult(new IssueTokenAnswer { Kind = DecisionKind.Refused }));

        Assert.InRange(_asked.Count, 8, 12);
        Assert.InRange(_asked[1], TimeSpan.Zero, TimeSpan.FromMilliseconds(40));
        Assert.InRange(_asked[^1], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.2));
    }

    public static TheoryData<string, string> Failures => new()
    {
        { nameof(SiloUnavailableException), "unavailable" },
        { nameof(GatewayTooBusyException), "unavailable" },
        { nameof(ConnectionFailedException), "unavailable" },
        { nameof(OrleansException), "unavailable" },
        { nameof(ConnectionAbortedException), "unavailable" },
        { nameof(ConnectionResetException), "unavailable" },
        { nameof(SocketException), "unavailable" },
        { nameof(TimeoutException), "timeout" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_failed_call_is_counted_as_a_repeat_with_its_cause_and_not_as_an_answer(string failure, string reason)
    {
        var (answer, _) = Decide(frontEnd: false, tries => tries == 1
            ? Task.FromException<IssueTokenAnswer>(FailureOf(failure))
            : Task.FromResult(new IssueTokenAnswer { Kind = DecisionKind.Refused }));

        Assert.Equal(DecisionKind.Refused, answer.Kind);
        Assert.Equal([reason], Reasons(_repeats));
    }

    [Fact]
    public void A_call_whose_grain_threw_is_not_repeated()
    {
        Assert.Throws<InvalidOperationException>(() => Decide(frontEnd: false, _ => Task.FromException<IssueTokenAnswer>(new InvalidOperationException())));

        Assert.Single(_asked);
    }

    [Fact]
    public void A_not_now_is_asked_again_like_a_lost_call_whatever_delay_it_names()
    {
        var (answer, took) = Decide(frontEnd: true, tries => Task.FromResult(tries <= 2
            ? new IssueTokenAnswer { Kind = DecisionKind.NotNow, Reason = NotNowReason.ReservingQuota, Delay = Deadline }
            : new IssueTokenAnswer { Kind = DecisionKind.Refused }));

        Assert.Equal(DecisionKind.Refused, answer.Kind);
        Assert.InRange(took, TimeSpan.FromMilliseconds(60), TimeSpan.FromMilliseconds(60) + (2 * Step));
        Assert.Equal(["not_now", "not_now"], Reasons(_repeats));
    }

    [Fact]
    public void A_not_now_to_an_authentication_is_asked_again()
    {
        var (answer, _) = Run(
            frontEnd: true,
            calls => calls.Authority.AuthenticateAsync(Credentials, "7F0000", TestContext.Current.CancellationToken),
            tries => Task.FromResult(new AuthenticateAnswer { Kind = tries == 1 ? DecisionKind.NotNow : DecisionKind.Refused }));

        Assert.Equal(DecisionKind.Refused, answer.Kind);
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public void A_silo_that_says_not_now_for_ever_is_given_up_at_the_deadline_without_a_warning()
    {
        var (answer, took) = Decide(frontEnd: false, _ => Task.FromResult(new IssueTokenAnswer { Kind = DecisionKind.NotNow }));

        Assert.Equal(DecisionKind.Unavailable, answer.Kind);
        Assert.InRange(took, Deadline - LongestPause, Deadline + Step);
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task A_challenge_is_answered_with_the_slow_hash_and_a_second_one_is_given_up()
    {
        var parameters = new SlowHashParameters(SlowHashAlgorithm.Pbkdf2Sha256, [1, 2, 3, 4], 10, 0, 0, 32);
        var challenged = new IssueTokenAnswer { Kind = DecisionKind.Prove, Challenges = [new SlowHashChallenge("one", parameters)] };

        var proven = await CallsOf<IssueTokenAnswer>(frontEnd: true, tries => Task.FromResult(tries == 1 ? challenged : new IssueTokenAnswer { Kind = DecisionKind.Allowed }))
            .Authority.DecideAsync(Request, "7F0000", TestContext.Current.CancellationToken);
        Assert.Equal((DecisionKind.Allowed, 2), (proven.Kind, _asked.Count));

        _asked.Clear();
        var challengedAgain = await CallsOf<IssueTokenAnswer>(frontEnd: true, _ => Task.FromResult(challenged))
            .Authority.DecideAsync(Request, "7F0000", TestContext.Current.CancellationToken);
        Assert.Equal((DecisionKind.Unavailable, 2), (challengedAgain.Kind, _asked.Count));
    }

    [Fact]
    public void A_front_end_without_a_silo_asks_again_whether_a_token_is_active()
    {
        var (standing, took) = Run(
            frontEnd: true,
            calls => calls.Issued.CheckAsync(Token, null, TestContext.Current.CancellationToken),
            tries => tries == 1 ? LostAsync<CheckTokenAnswer>() : Task.FromResult(new CheckTokenAnswer(TokenStanding.Active)));

        Assert.Equal(TokenStanding.Active, standing);
        Assert.InRange(took, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.1));
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Whether_a_token_is_active_is_unknown_at_the_deadline(bool frontEnd)
    {
        var (standing, took) = Run(
            frontEnd, calls => calls.Issued.CheckAsync(Token, null, TestContext.Current.CancellationToken), _ => LostAsync<CheckTokenAnswer>());

        Assert.Equal(TokenStanding.Unknown, standing);
        Assert.InRange(took, Deadline - LongestPause, Deadline + Step);
    }

    [Fact]
    public void A_front_end_without_a_silo_gives_a_write_more_time_and_asks_again()
    {
        var (outcome, took) = Run(
            frontEnd: true,
            calls => calls.Issued.RevokeAsync(Token, TestContext.Current.CancellationToken),
            tries => tries == 1 ? LostWriteAsync() : Task.FromResult(new ClientAnswer { Outcome = ClientOutcome.Done }));

        Assert.Equal(ClientOutcome.Done, outcome);
        Assert.InRange(took, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3.1));
    }

    public void Dispose()
    {
        _repeats.Dispose();
        _services.Dispose();
    }

    private static ClientCredentials Credentials => new()
    {
        ClientId = Id,
        Secret = "the secret of the client"u8.ToArray(),
        Method = ClientAuthMethod.ClientSecretBasic,
    };

    private static TokenRequest Request => new() { Client = Credentials };

    private static ClientId Id => ClientId.TryParse("orders", out var id) ? id : throw new InvalidOperationException();

    private static ValidatedToken Token => new() { ClientId = Id, Jti = "one", Generation = 1, IssuedAt = 0, ExpiresAt = 3_600, Scope = "", Audiences = [] };

    private IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    private TimeSpan Elapsed => _clock.GetElapsedTime(_start);

    private static Exception FailureOf(string name) => name switch
    {
        nameof(SiloUnavailableException) => new SiloUnavailableException(),
        nameof(GatewayTooBusyException) => new GatewayTooBusyException(),
        nameof(ConnectionFailedException) => new ConnectionFailedException(),
        nameof(OrleansException) => new OrleansException("The directory is not stable."),
        nameof(ConnectionAbortedException) => new ConnectionAbortedException(),
        nameof(ConnectionResetException) => new ConnectionResetException(""),
        nameof(SocketException) => new SocketException(),
        _ => new TimeoutException(),
    };

    private static IEnumerable<object?> Reasons(MetricCollector<long> counter) =>
        counter.GetMeasurementSnapshot().SelectMany(measured => Enumerable.Repeat(measured.Tags["reason"], (int)measured.Value));

    /// <summary>A call for a decision that is lost: Orleans ends the call at the latest a second after its time-out.</summary>
    private Task<T> LostAsync<T>() => EndedAfterAsync<T>(DecisionTimeout);

    /// <summary>The same for a write.</summary>
    private Task<ClientAnswer> LostWriteAsync() => EndedAfterAsync<ClientAnswer>(CallTimeouts.ResponseTimeout);

    private async Task<T> EndedAfterAsync<T>(TimeSpan timeout)
    {
        await Task.Delay(timeout + TimeSpan.FromSeconds(1), _clock);
        throw new TimeoutException();
    }

    private (IssueTokenAnswer Answer, TimeSpan Took) Decide(bool frontEnd, Func<int, Task<IssueTokenAnswer>> answer) => Run(
        frontEnd,
        calls => calls.Authority.DecideAsync(Request, "7F0000", TestContext.Current.CancellationToken),
        answer);

    /// <summary>Advances the clock until there is an answer. A step begins only when all work of the step before has come to a wait.</summary>
    private (TResult Result, TimeSpan Took) Run<TAnswer, TResult>(bool frontEnd, Func<Calls, Task<TResult>> ask, Func<int, Task<TAnswer>> answer)
    {
        var calls = CallsOf(frontEnd, answer);
        return OneThread.Run(() =>
        {
            var asked = ask(calls);
            while (OneThread.RunWhatWaits() && !asked.IsCompleted && Elapsed < 3 * Deadline)
            {
                _clock.Advance(Step);
            }

            Assert.True(asked.IsCompleted, "There is no answer long after the deadline.");
            return (asked.GetAwaiter().GetResult(), Elapsed);
        });
    }

    private Calls CallsOf<TAnswer>(bool frontEnd, Func<int, Task<TAnswer>> answer)
    {
        var grain = DispatchProxy.Create<IClientGrain, Scripted>();
        ((Scripted)(object)grain).Answer = () =>
        {
            _asked.Add(Elapsed);
            return answer(_asked.Count);
        };
        var grains = DispatchProxy.Create<IGrainFactory, Scripted>();
        ((Scripted)(object)grains).Answer = () => grain;
        var timeouts = frontEnd ? CallTimeouts.ForFrontEnd : CallTimeouts.ForSilo;
        var retry = new CallRetry(new CallMetrics(Meters), _clock, _log);
        return new Calls(
            new ClientAuthority(grains, retry, new SlowHashGate(_clock), timeouts, _clock), new IssuedTokens(grains, retry, timeouts));
    }

    private sealed record Calls(ClientAuthority Authority, IssuedTokens Issued);
}
