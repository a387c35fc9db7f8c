namespace AuthCluster.Protocol.Limits;

/// <summary>
/// A token bucket as the generic cell rate algorithm (GCRA, ITU-T I.371): the whole state of a client is one moment,
/// the theoretical arrival.
/// </summary>
/// <remarks>
/// <para>A bucket holds <see cref="Burst"/> tokens and gains <see cref="TokensPerSecond"/>. Its level at a moment is
/// <c>burst − (arrival − now) / interval</c>, at most the burst; a full bucket has an arrival that has passed.</para>
/// <para>Exactness. Arrivals are kept in units of 2^-32 clock ticks of 100 ns (<see cref="TheoreticalArrival"/>), and the
/// interval between two tokens is rounded up to such a unit. So a window never gives more than
/// <c>burst + rate × window</c>, and what the rounding takes away is less than one token in 10^10, at the highest rate
/// (10 ticks an interval) as elsewhere. Adding is exact: nothing drifts however long a client is busy.</para>
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

    /// <summary>A limit.</summary>
    /// <param name="tokensPerSecond">Tokens that the bucket gains each second, 0.01 to 1,000,000.</param>
    /// <param name="burst">Tokens that it can hold, 1 to 10,000,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public RateLimit(double tokensPerSecond, long burst)
    {
        if (!IsValid(tokensPerSecond, burst))
        {
            throw new ArgumentOutOfRangeException(nameof(tokensPerSecond), "0.01 to 1,000,000 tokens a second with a burst of 1 to 10,000,000.");
        }

        TokensPerSecond = tokensPerSecond;
        Burst = burst;
        // A decimal takes the number that was written (0.1 and not 0.1000000000000000055…); it has 28 digits, of which
        // the quotient needs 19 before the point.
        _interval = (Int128)decimal.Ceiling(TimeSpan.TicksPerSecond * (decimal)TheoreticalArrival.UnitsPerTick / (decimal)tokensPerSecond);
    }

    /// <summary>Tokens that the bucket gains each second.</summary>
    public double TokensPerSecond { get; }

    /// <summary>Tokens that the bucket can hold.</summary>
    public long Burst { get; }

    /// <summary>Whether the values are in their ranges.</summary>
    public static bool IsValid(double tokensPerSecond, long burst) =>
        tokensPerSecond is >= MinTokensPerSecond and <= MaxTokensPerSecond && burst is >= 1 and <= MaxBurst;

    /// <summary>The burst of a client that registered none: what one second gives, at least 1.</summary>
    public static long DefaultBurst(double tokensPerSecond) => Math.Max(1, (long)Math.Ceiling(tokensPerSecond));

    /// <summary>Decides one request (GCRA). Pure: clock and state come in, the new state comes out.</summary>
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

    /// <summary>Takes as many tokens as there are, up to a wish: a block to lend out.</summary>
    /// <param name="now">The monotonic clock.</param>
    /// <param name="theoreticalArrival">The client's state, on the same clock.</param>
    /// <param name="wanted">The wish; 0 or less takes none.</param>
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

    /// <summary>Gives tokens back that were taken and not used; what the bucket can't hold is lost.</summary>
    public TheoreticalArrival Return(TheoreticalArrival theoreticalArrival, long tokens) =>
        new(theoreticalArrival.Units - (_interval * Math.Max(0, tokens)));

    /// <summary>Whole tokens that could be had now.</summary>
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

    /// <summary>The state of a bucket at a level, as <see cref="Level"/> gave it; a level beyond the burst is the burst, one that is no number is 0.</summary>
    public TheoreticalArrival ArrivalAtLevel(TimeSpan now, double level)
    {
        var missing = Burst - (double.IsNaN(level) ? 0 : Math.Clamp(level, 0, Burst));
        // Whole tokens are exact; the part of one is rounded to the caller's disadvantage.
        var whole = Math.Floor(missing);
        var part = (Int128)Math.Ceiling((missing - whole) * (double)_interval);
        return new TheoreticalArrival(TheoreticalArrival.At(now).Units + (_interval * (long)whole) + part);
    }

    /// <summary>Rounded up to a clock tick: at that time the token is there.</summary>
    private static TimeSpan Duration(Int128 units) =>
        units <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks((long)((units + TheoreticalArrival.UnitsPerTick - 1) / TheoreticalArrival.UnitsPerTick));
}

/// <summary>
/// The moment at which the bucket will be full again: the state of a rate limit. A value of one process's monotonic
/// clock, never stored; what is stored is <see cref="RateLimit.Level"/>. The default is a full bucket.
/// </summary>
public readonly record struct TheoreticalArrival
{
    /// <summary>Units in a clock tick of 100 ns.</summary>
    internal const long UnitsPerTick = 1L << 32;

    internal TheoreticalArrival(Int128 units) => Units = units;

    internal Int128 Units { get; }

    internal static TheoreticalArrival At(TimeSpan now) => new((Int128)now.Ticks * UnitsPerTick);
}

/// <summary>What a rate limit says to one request.</summary>
/// <param name="Allowed">Whether it may have its token.</param>
/// <param name="NewTheoreticalArrival">The state after it; unchanged when it was refused.</param>
/// <param name="RetryAfter">When the token can be had; zero when it is allowed.</param>
/// <param name="Remaining">Whole tokens that are left.</param>
/// <param name="ResetAfter">When the bucket is full again, if none is taken.</param>
public readonly record struct RateDecision(
    bool Allowed, TheoreticalArrival NewTheoreticalArrival, TimeSpan RetryAfter, long Remaining, TimeSpan ResetAfter);
