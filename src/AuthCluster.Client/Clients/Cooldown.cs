namespace AuthCluster.Client.Clients;

/// <summary>
/// The pause after a failure: a busy application must not ask a server at each call when that server is in trouble or refuses for good. Not
/// thread-safe: the owner's lock guards it.
/// </summary>
internal sealed class Cooldown(TimeProvider clock)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause while the last good answer is still usable: waiting costs nothing.</summary>
    private static readonly TimeSpan MaxWithAnswer = TimeSpan.FromSeconds(30);

    /// <summary>The longest pause without a good answer: every call fails meanwhile, so a recovery must be noticed soon.</summary>
    private static readonly TimeSpan MaxWithoutAnswer = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MaxAsked = TimeSpan.FromHours(1);

    private int _failures;
    private long _since;
    private TimeSpan _length;
    private TimeSpan _asked;

    /// <summary>The last failure; null after a success.</summary>
    public AuthClusterException? Failure { get; private set; }

    /// <summary>Whether it is too early for a request.</summary>
    public bool IsOn(bool haveAnswer) => Failure is not null && clock.GetElapsedTime(_since) < LengthFor(haveAnswer);

    /// <summary>Begins a pause: doubling from a second, and at least as long as the server asked.</summary>
    public TimeSpan After(AuthClusterException failure, bool haveAnswer)
    {
        _asked = Pause.Smaller(failure.RetryAfter ?? TimeSpan.Zero, MaxAsked);
        _length = Pause.After(_failures, First, haveAnswer ? MaxWithAnswer : MaxWithoutAnswer, _asked);
        _failures++;
        _since = clock.GetTimestamp();
        Failure = failure;
        return _length;
    }

    /// <summary>The failure again, with the rest of the pause.</summary>
    public AuthClusterException Repeat(AuthClusterException failure)
    {
        var left = LengthFor(haveAnswer: false) - clock.GetElapsedTime(_since);
        return new AuthClusterException(failure.Error, "The last request failed and it is too early for another.", left, failure);
    }

    /// <summary>
    /// A pause that was chosen while a good answer was held is too long once that answer has ended. It is cut, but not below what the server asked.
    /// </summary>
    private TimeSpan LengthFor(bool haveAnswer) => haveAnswer ? _length : Pause.Smaller(_length, Pause.Larger(MaxWithoutAnswer, _asked * 1.2));

    public void Clear()
    {
        _failures = 0;
        Failure = null;
    }
}
