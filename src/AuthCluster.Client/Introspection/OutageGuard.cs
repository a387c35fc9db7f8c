using AuthCluster.Client.Clients;

namespace AuthCluster.Client.Introspection;

/// <summary>
/// Keeps an outage from costing one request for each token in use: after several failures in a row, one request in a second checks whether the
/// server is back.
/// </summary>
internal sealed class OutageGuard(TimeProvider clock)
{
    /// <summary>A failure now and then must not make the standing of every other token unknown.</summary>
    private const int FailuresInRow = 5;

    private static readonly TimeSpan BetweenProbes = TimeSpan.FromSeconds(1);

    /// <summary>A server that asks for more is asked again after this: until then nothing is known of any token.</summary>
    private static readonly TimeSpan MaxAsked = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _failures;
    private Pause? _pause;

    /// <summary>Whether there have been so many failures that a request is only there to find out whether the server is back.</summary>
    public bool IsOutage
    {
        get
        {
            lock (_gate)
                return _failures >= FailuresInRow;
        }
    }

    /// <summary>Whether a request may go out now.</summary>
    public bool MayAsk()
    {
        lock (_gate)
        {
            if (_pause is { } pause && !pause.HasEnded(clock))
                return false;
            if (_failures >= FailuresInRow)
                _pause = Pause.Of(BetweenProbes, clock); // this one is the probe
            return true;
        }
    }

    /// <summary>The server has answered as it should.</summary>
    public void Succeeded()
    {
        lock (_gate)
            (_failures, _pause) = (0, null);
    }

    /// <summary>The server has not answered as it should.</summary>
    /// <param name="asked">How long it asked to be left alone.</param>
    public void Failed(TimeSpan? asked)
    {
        lock (_gate)
        {
            _failures++;
            if (asked is { } min)
                _pause = Pause.Of(Pause.Spread(Pause.Smaller(min, MaxAsked)), clock);
            else if (_failures >= FailuresInRow)
                _pause = Pause.Of(BetweenProbes, clock);
        }
    }
}
