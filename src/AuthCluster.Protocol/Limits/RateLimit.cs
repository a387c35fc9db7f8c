namespace AuthCluster.Protocol.Limits;

/// <summary>
/// A token bucket by the generic cell rate algorithm (GCRA, ITU-T I.371): the whole state of a client is one moment,
/// the theoretical arrival.
/// </summary>
/// <remarks>
/// <para>A bucket holds <see cref="Burst"/> tokens and gains <see cref="TokensPerSecond"/>. Its level at a moment is
/// <c>burst − (arrival − now) / interval</c>, at most the burst; the arrival of a full bucket is in the past.</para>
/// <para>Exactness. Arrivals are kept in units of 2^-32 clock ticks of 100 ns (<see cref="TheoreticalArrival"/>), and the
/// interval between two tokens is rounded up to such a unit. So a window never gives more than
/// <c>burst + rate × window</c>. The rounding costs less than one token in 10^10, even at the highest rate
/// (10 ticks an interval). Additions are exact, so no error grows however long a client is busy.</para>
/// </remarks>
public sealed record RateLimit
{
    /// <summary>Lowest rate, in tokens a second.</summary>
    public const double MinTokensPerSecond = 0.01;

    /// <summary>Highest rate, in tokens a second.</summary>
    public const double MaxTokensPerSecond = 1_000_000;

    /// <summary>Largest burst, in tokens.</summary>
    public const long MaxBurst = 10_000_000;

    private readonly Int128 _interval;

    /// <summary>Creates a limit.</summary>
    /// <param name="tokensPerSecond">Tokens that the bucket gains each second, 0.01 to 1,000,000.</param>
    /// <param name="burst">Tokens that the bucket can hold, 1 to 10,000,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public RateLimit(double tokensPerSecond, long burst)
    {
        if (!IsValid(tokensPerSecond, burst))
        {
            throw new ArgumentOutOfRangeException(nameof(tokensPerSecond), "0.01 to 1,000,000 tokens a second with a burst of 1 to 10,000,000.");
        }

        TokensPerSecond = tokensPerSecond;
        Burst = burst;
        // A decimal keeps the number that the operator wrote (0.1 and not 0.1000000000000000055…). It has 28 digits, and
        // the quotient needs 19 of them before the point.
        _interval = (Int128)decimal.Ceiling(TimeSpan.TicksPerSecond * (decimal)TheoreticalArrival.UnitsPerTick / (decimal)tokensPerSecond);
    }

    /// <summary>Tokens that the bucket gains each second.</summary>
    public double TokensPerSecond { get; }

    /// <summary>Tokens that the bucket can hold.</summary>
    public long Burst { get; }

    /// <summary>Whether the values are in their ranges.</summary>
    public static bool IsValid(double tokensPerSecond, long burst) =>
        tokensPerSecond is >= MinTokensPerSecond and <= MaxTokensPerSecond && burst is >= 1 and <= MaxBurst;

    /// <summary>The burst of a client that registered none: the tokens of one second, at least 1.</summary>
    public static long DefaultBurst(double tokensPerSecond) => Math.Max(1, (long)Math.Ceiling(tokensPerSecond));

    /// <summary>Decides one request (GCRA). Pure: it takes the time and the state, and returns the new state.</summary>
    /// <param name="now">The monotonic clock.</param>
    /// <param name="theoreticalArrival">The client's state, on the same clock.</param>
    public RateDecision Decide(TimeSpan now, TheoreticalArrival theoreticalArrival)
    {
        var start = TheoreticalArrival.At(now).Units;
        var before = Int128.Max(theoreticalArrival.Units, start);
        var after = before + _interval;
        var excess = after - start - (_interval * Burst);
        return excess > 0
            ? new RateDecision(false, theoreticalArrival, Duration(excess), 0, Duration(before - start))
            : new RateDecision(true, new TheoreticalArrival(after), TimeSpan.Zero, (long)(-excess / _interval), Duration(after - start));
    }

    /// <summary>Takes as many of the wanted tokens as the bucket has.</summary>
    /// <param name="now">The monotonic clock.</param>
    /// <param name="theoreticalArrival">The client's state, on the same clock.</param>
    /// <param name="wanted">How many tokens are wanted; 0 or less takes none.</param>
    /// <param name="newTheoreticalArrival">The new state.</param>
    /// <returns>How many were taken.</returns>
    public long Take(TimeSpan now, TheoreticalArrival theoreticalArrival, long wanted, out TheoreticalArrival newTheoreticalArrival)
    {
        var taken = Math.Min(Math.Max(0, wanted), Remaining(now, theoreticalArrival));
        newTheoreticalArrival = taken == 0
            ? theoreticalArrival
            : new TheoreticalArrival(Int128.Max(theoreticalArrival.Units, TheoreticalArrival.At(now).Units) + (_interval * taken));
        return taken;
    }

    /// <summary>Gives back tokens that were taken and not used; tokens that the bucket can't hold are lost.</summary>
    public TheoreticalArrival Return(TheoreticalArrival theoreticalArrival, long tokens) =>
        new(theoreticalArrival.Units - (_interval * Math.Max(0, tokens)));

    /// <summary>Whole tokens that are available now.</summary>
    public long Remaining(TimeSpan now, TheoreticalArrival theoreticalArrival)
    {
        var room = (_interval * Burst) - Int128.Max(0, theoreticalArrival.Units - TheoreticalArrival.At(now).Units);
        return room <= 0 ? 0 : (long)(room / _interval);
    }

    /// <summary>The bucket's level now, in tokens and parts of one: 0 to the burst.</summary>
    public double Level(TimeSpan now, TheoreticalArrival theoreticalArrival)
    {
        var missing = Int128.Max(0, theoreticalArrival.Units - TheoreticalArrival.At(now).Units);
        return Math.Clamp(Burst - ((double)missing / (double)_interval), 0, Burst);
    }

    /// <summary>The state of an empty bucket.</summary>
    public TheoreticalArrival Empty(TimeSpan now) => ArrivalAtLevel(now, 0);

    /// <summary>The state of a bucket at a level, as <see cref="Level"/> gave it; a level above the burst counts as the burst, NaN as 0.</summary>
    public TheoreticalArrival ArrivalAtLevel(TimeSpan now, double level)
    {
        var missing = Burst - (double.IsNaN(level) ? 0 : Math.Clamp(level, 0, Burst));
        // Whole tokens are exact; the fraction of a token is rounded to the caller's disadvantage.
        var whole = Math.Floor(missing);
        var part = (Int128)Math.Ceiling((missing - whole) * (double)_interval);
        return new TheoreticalArrival(TheoreticalArrival.At(now).Units + (_interval * (long)whole) + part);
    }

    /// <summary>Rounded up to a clock tick, so that the token is available when the time has passed.</summary>
    private static TimeSpan Duration(Int128 units) =>
        units <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks((long)((units + TheoreticalArrival.UnitsPerTick - 1) / TheoreticalArrival.UnitsPerTick));
}

/// <summary>
/// The moment at which the bucket will be full again: the state of a rate limit. It is a time of one process's monotonic
/// clock, so it is never stored; <see cref="RateLimit.Level"/> is stored instead. The default is a full bucket.
/// </summary>
public readonly record struct TheoreticalArrival
{
    /// <summary>Units in a clock tick of 100 ns.</summary>
    internal const long UnitsPerTick = 1L << 32;

    internal TheoreticalArrival(Int128 units) => Units = units;

    internal Int128 Units { get; }

    internal static TheoreticalArrival At(TimeSpan now) => new((Int128)now.Ticks * UnitsPerTick);
}

/// <summary>The decision of a rate limit on one request.</summary>
/// <param name="Allowed">Whether the request may have its token.</param>
/// <param name="NewTheoreticalArrival">The state after the request; unchanged when the request was refused.</param>
/// <param name="RetryAfter">The time until the token is available; zero when the request is allowed.</param>
/// <param name="Remaining">Whole tokens that are left.</param>
/// <param name="ResetAfter">The time until the bucket is full again, if no token is taken.</param>
public readonly record struct RateDecision(
    bool Allowed, TheoreticalArrival NewTheoreticalArrival, TimeSpan RetryAfter, long Remaining, TimeSpan ResetAfter);
