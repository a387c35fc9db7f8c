using AuthCluster.Client.Clients;

namespace AuthCluster.Client.Tokens;

/// <summary>
/// The pause after a failure, so that a server in trouble, or one that has refused for good, is not asked once for each
/// call of a busy application. Not thread-safe: its owner's lock guards it.
/// </summary>
internal sealed class Cooldown(TimeProvider clock)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    /// <summary>While a valid token is served nothing is lost by waiting.</summary>
    private static readonly TimeSpan LongestWithToken = TimeSpan.FromSeconds(30);

    /// <summary>Without one every call fails meanwhile, so recovery must be noticed soon.</summary>
    private static readonly TimeSpan LongestWithout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestAsked = TimeSpan.FromHours(1);

    private int _failures;
    private long _since;
    private TimeSpan _length;
    private bool _asked;

    /// <summary>The failure that set it off, while there has been no success since.</summary>
    public AuthClusterException? Failure { get; private set; }

    /// <summary>Whether nothing is to be asked yet, now that a valid token is held, or not any more.</summary>
    public bool IsOn(bool haveToken) => Failure is not null && clock.GetElapsedTime(_since) < LengthFor(haveToken);

    /// <summary>Begins a pause: as long as the server asked, else doubling from a second.</summary>
    public TimeSpan After(AuthClusterException failure, bool haveToken)
    {
        var longest = haveToken ? LongestWithToken : LongestWithout;
        var doubled = First * Math.Pow(2, Math.Min(_failures, 10));
        var pause = failure.RetryAfter is { } asked ? (asked < LongestAsked ? asked : LongestAsked) : doubled < longest ? doubled : longest;
        _asked = failure.RetryAfter is not null;
        _failures++;
        _since = clock.GetTimestamp();
        _length = ServerResilience.Spread(pause) ?? pause;
        Failure = failure;
        return _length;
    }

    /// <summary>The failure once more, with what is left of the pause.</summary>
    public AuthClusterException Repeat(AuthClusterException failure)
    {
        var left = LengthFor(haveToken: false) - clock.GetElapsedTime(_since);
        return new AuthClusterException(failure.Error, "The last request for this token failed and it is too early for another.", left, failure);
    }

    /// <summary>A pause that was chosen while a token was held is too long once it is gone, unless the server asked for it.</summary>
    private TimeSpan LengthFor(bool haveToken) => haveToken || _asked || _length < LongestWithout ? _length : LongestWithout;

    public void Clear()
    {
        _failures = 0;
        Failure = null;
    }
}
