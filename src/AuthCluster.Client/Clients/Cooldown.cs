namespace AuthCluster.Client.Clients;

/// <summary>
/// The pause after a failure, so that a server in trouble, or one that has refused for good, is not asked once for each
/// call of a busy application. Not thread-safe: its owner's lock guards it.
/// </summary>
internal sealed class Cooldown(TimeProvider clock)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    /// <summary>While the last good answer still serves, nothing is lost by waiting.</summary>
    private static readonly TimeSpan MaxWithAnswer = TimeSpan.FromSeconds(30);

    /// <summary>Without one every call fails meanwhile, so recovery must be noticed soon.</summary>
    private static readonly TimeSpan MaxWithoutAnswer = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MaxAsked = TimeSpan.FromHours(1);

    private int _failures;
    private long _since;
    private TimeSpan _length;
    private TimeSpan _asked;

    /// <summary>The failure that set it off, while there has been no success since.</summary>
    public AuthClusterException? Failure { get; private set; }

    /// <summary>Whether nothing is to be asked yet, now that a good answer is held, or not any more.</summary>
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

    /// <summary>The failure once more, with what is left of the pause.</summary>
    public AuthClusterException Repeat(AuthClusterException failure)
    {
        var left = LengthFor(haveAnswer: false) - clock.GetElapsedTime(_since);
        return new AuthClusterException(failure.Error, "The last request failed and it is too early for another.", left, failure);
    }

    /// <summary>A pause that was chosen while an answer was held is too long once it is gone, but for what the server asked.</summary>
    private TimeSpan LengthFor(bool haveAnswer) => haveAnswer ? _length : Pause.Smaller(_length, Pause.Larger(MaxWithoutAnswer, _asked * 1.2));

    public void Clear()
    {
        _failures = 0;
        Failure = null;
    }
}
