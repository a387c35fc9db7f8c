using System.Security.Cryptography;

namespace AuthCluster.Client.Clients;

/// <summary>
/// A wait before the next request. It never ends too soon, as a timer may, which counts whole milliseconds by a coarser clock. Compiled into each
/// package that waits.
/// </summary>
/// <param name="Begun">The timestamp from which it counts.</param>
/// <param name="Length">How long it lasts.</param>
internal sealed record Pause(long Begun, TimeSpan Length)
{
    /// <summary>A pause that begins now.</summary>
    public static Pause Of(TimeSpan length, TimeProvider clock) => new(clock.GetTimestamp(), length);

    /// <summary>A duration drawn evenly from <paramref name="min"/> to a fifth more, so that many processes don't come back at one moment.</summary>
    public static TimeSpan Spread(TimeSpan min) => min * (1 + (0.2 * Fraction()));

    /// <summary>
    /// The larger of the pause that the server asked for, and of one that doubles from <paramref name="first"/> to
    /// <paramref name="max"/> with each failure; both with jitter, and never shorter than asked.
    /// </summary>
    /// <param name="failures">How many failures came before this one.</param>
    /// <param name="first">The first pause of our own.</param>
    /// <param name="max">The longest pause of our own.</param>
    /// <param name="asked">What the server asked for, if it did.</param>
    public static TimeSpan After(int failures, TimeSpan first, TimeSpan max, TimeSpan? asked)
    {
        var doubled = Smaller(first * Math.Pow(2, Math.Min(failures, 10)), max);
        return WholeMilliseconds(Larger(Spread(asked ?? TimeSpan.Zero), doubled * (0.6 + (0.6 * Fraction()))));
    }

    public static TimeSpan Larger(TimeSpan one, TimeSpan other) => one > other ? one : other;

    public static TimeSpan Smaller(TimeSpan one, TimeSpan other) => one < other ? one : other;

    public bool HasEnded(TimeProvider clock) => Left(clock) <= TimeSpan.Zero;

    /// <summary>Waits until the pause has ended.</summary>
    public async Task WaitAsync(TimeProvider clock, CancellationToken cancellationToken)
    {
        for (var left = Left(clock); left > TimeSpan.Zero; left = Left(clock))
            await Task.Delay(WholeMilliseconds(left), clock, cancellationToken);
    }

    /// <summary>Rounded up, as a timer rounds down.</summary>
    private static TimeSpan WholeMilliseconds(TimeSpan length) => TimeSpan.FromMilliseconds(Math.Ceiling(length.TotalMilliseconds));

    private TimeSpan Left(TimeProvider clock) => Length - clock.GetElapsedTime(Begun);

    private static double Fraction() => RandomNumberGenerator.GetInt32(0, 10_001) / 10_000.0;
}
