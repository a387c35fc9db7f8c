using System.Globalization;

namespace AuthCluster.Protocol.Json;

/// <summary>Times in the form of RFC 3339 section 5.6 (<c>date-time</c>).</summary>
public static class Rfc3339
{
    private const int SecondsEnd = 19;
    private const int TickDigits = 7;

    /// <summary>The time in UTC, with as many digits of the second's fraction as it has: <c>2026-01-31T08:00:00Z</c>.</summary>
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    /// <summary>A time cut to whole milliseconds: the precision that every table and document keeps.</summary>
    public static DateTimeOffset ToMillisecond(DateTimeOffset time) => time.AddTicks(-(time.UtcTicks % TimeSpan.TicksPerMillisecond));

    /// <summary>Reads a time. Digits past 100 ns are dropped; a leap second (<c>:60</c>) is refused, because no clock here has one.</summary>
    public static bool TryParse(string? text, out DateTimeOffset time)
    {
        time = default;
        if (text is null || text.Length is <= SecondsEnd or > 64
            || !DateTime.TryParseExact(
                text[..SecondsEnd].ToUpperInvariant(), "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            return false;
        }

        var rest = text.AsSpan(SecondsEnd);
        return TryReadFraction(ref rest, out var ticks) && TryReadOffset(rest, out var offset) && TryMake(local.AddTicks(ticks), offset, out time);
    }

    private static bool TryReadFraction(ref ReadOnlySpan<char> text, out long ticks)
    {
        ticks = 0;
        if (text[0] != '.')
        {
            return true;
        }

        var digits = text[1..];
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        if (end <= 0)
        {
            return false;
        }

        for (var i = 0; i < TickDigits; i++)
        {
            ticks = (ticks * 10) + (i < end ? digits[i] - '0' : 0);
        }

        text = digits[end..];
        return true;
    }

    private static bool TryReadOffset(ReadOnlySpan<char> text, out TimeSpan offset)
    {
        offset = TimeSpan.Zero;
        if (text is "Z" or "z")
        {
            return true;
        }

        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':'
            || !int.TryParse(text[1..3], NumberStyles.None, CultureInfo.InvariantCulture, out var hours) || hours > 23
            || !int.TryParse(text[4..], NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) || minutes > 59)
        {
            return false;
        }

        offset = new TimeSpan(hours, minutes, 0) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    /// <summary>RFC 3339 allows offsets up to 23:59, but DateTimeOffset only up to 14:00. So the result is in UTC.</summary>
    private static bool TryMake(DateTime local, TimeSpan offset, out DateTimeOffset time)
    {
        var utcTicks = local.Ticks - offset.Ticks;
        var inRange = utcTicks >= DateTimeOffset.MinValue.Ticks && utcTicks <= DateTimeOffset.MaxValue.Ticks;
        time = inRange ? new DateTimeOffset(utcTicks, TimeSpan.Zero) : default;
        return inRange;
    }
}
