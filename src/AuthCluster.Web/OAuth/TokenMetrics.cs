using System.Diagnostics.Metrics;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Web.OAuth;

/// <summary>What the token endpoint did: requests by outcome and method, and how long they took.</summary>
public sealed class TokenMetrics
{
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _overLimit;

    /// <summary>Makes the instruments.</summary>
    public TokenMetrics(IMeterFactory factory)
    {
        var meter = factory.Create("AuthCluster.Tokens");
        _requests = meter.CreateCounter<long>("authcluster.token.requests", "{request}", "Token requests by outcome");
        _duration = meter.CreateHistogram(
            "authcluster.token.duration",
            "s",
            "Time from a token request's arrival to its answer",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
            });
        _overLimit = meter.CreateCounter<long>("authcluster.limit.observed", "{token}", "Tokens issued over a limit that only observes");
    }

    /// <summary>A token was issued over a limit that only observes (<c>"enforce": false</c>).</summary>
    /// <param name="standing">The limits, of which at least one is exceeded.</param>
    public void OverLimit(LimitStanding standing)
    {
        ArgumentNullException.ThrowIfNull(standing);
        if (standing.RateExceeded)
        {
            _overLimit.Add(1, new KeyValuePair<string, object?>("limit", "rate"));
        }

        if (standing.QuotaExceeded)
        {
            _overLimit.Add(1, new KeyValuePair<string, object?>("limit", "quota"));
        }
    }

    /// <summary>One request was answered.</summary>
    /// <param name="outcome"><c>issued</c>, or the error code.</param>
    /// <param name="authMethod">The client authentication method, or <c>none</c>.</param>
    /// <param name="elapsed">Since its arrival.</param>
    public void Answered(string outcome, string authMethod, TimeSpan elapsed)
    {
        var outcomeTag = new KeyValuePair<string, object?>("outcome", outcome);
        _requests.Add(1, outcomeTag, new KeyValuePair<string, object?>("auth_method", authMethod));
        _duration.Record(elapsed.TotalSeconds, outcomeTag);
    }
}
