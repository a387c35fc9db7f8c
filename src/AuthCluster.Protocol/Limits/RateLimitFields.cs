using System.Globalization;

namespace AuthCluster.Protocol.Limits;

/// <summary>The state of a client's rate limit.</summary>
/// <param name="TokensPerSecond">The rate.</param>
/// <param name="Burst">The burst.</param>
/// <param name="Remaining">Tokens that are available at once.</param>
/// <param name="ResetAfter">The time until the bucket is full again.</param>
public readonly record struct RateStanding(double TokensPerSecond, long Burst, long Remaining, TimeSpan ResetAfter);

/// <summary>The state of a client's quota.</summary>
/// <param name="Tokens">The quota.</param>
/// <param name="Period">The period's length.</param>
/// <param name="Remaining">Tokens that are left of the quota.</param>
/// <param name="ResetAfter">The time until the period ends.</param>
public readonly record struct QuotaStanding(long Tokens, TimeSpan Period, long Remaining, TimeSpan ResetAfter);

/// <summary>
/// The values of the fields <c>RateLimit</c> and <c>RateLimit-Policy</c>
/// (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4): lists of structured fields (RFC 9651).
/// </summary>
/// <remarks>
/// <para>The policies are <c>"rate"</c> and <c>"quota"</c>. Their windows are whole seconds. So the rate is given as the burst
/// in the time that fills the bucket or, when that is less than a second, as the tokens of one second.</para>
/// <para>The <c>t</c> of the rate is the time until one more token is available, so that a <c>Retry-After</c> in the same
/// answer never names a moment before the end of that time (section 6).</para>
/// </remarks>
public static class RateLimitFields
{
    /// <summary>Name of the field that says how much of each limit is left.</summary>
    public const string Standing = "RateLimit";

    /// <summary>Name of the field that names the limits.</summary>
    public const string Policy = "RateLimit-Policy";

    /// <summary>The value of <c>RateLimit-Policy</c>; null when the client has no limit.</summary>
    public static string? PolicyValue(RateStanding? rate, QuotaStanding? quota)
    {
        string? rateItem = null;
        if (rate is { } r)
        {
            var seconds = r.Burst / r.TokensPerSecond;
            rateItem = seconds < 1
                ? Invariant($"\"rate\";q={(long)r.TokensPerSecond};w=1")
                : Invariant($"\"rate\";q={r.Burst};w={(long)Math.Ceiling(seconds)}");
        }

        return Join(rateItem, quota is { } q ? Invariant($"\"quota\";q={q.Tokens};w={(long)q.Period.TotalSeconds}") : null);
    }

    /// <summary>The value of <c>RateLimit</c>; null when the client has no limit.</summary>
    public static string? StandingValue(RateStanding? rate, QuotaStanding? quota) => Join(
        rate is { } r ? Item("rate", r.Remaining, UntilOneMore(r)) : null,
        quota is { } q ? Item("quota", q.Remaining, q.ResetAfter.TotalSeconds) : null);

    /// <summary>A time as the whole seconds of <c>Retry-After</c> (RFC 9110 section 10.2.3): rounded up, at least 1.</summary>
    public static long RetryAfterSeconds(TimeSpan time) => Math.Max(1, (long)Math.Ceiling(time.TotalSeconds));

    private static double UntilOneMore(RateStanding rate)
    {
        var missing = Math.Max(0, rate.Burst - rate.Remaining - 1);
        return Math.Max(0, rate.ResetAfter.TotalSeconds - (missing / rate.TokensPerSecond));
    }

    private static string Item(string policy, long remaining, double seconds) =>
        Invariant($"\"{policy}\";r={Math.Max(0, remaining)};t={(long)Math.Ceiling(Math.Max(0, seconds))}");

    private static string? Join(string? first, string? second) =>
        first is null ? second : second is null ? first : $"{first}, {second}";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
