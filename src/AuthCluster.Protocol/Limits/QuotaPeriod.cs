using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Protocol.Limits;

/// <summary>The period of a quota: a calendar hour, day or month, in UTC.</summary>
public sealed class QuotaPeriod
{
    /// <summary>A calendar hour.</summary>
    public static readonly QuotaPeriod Hour = new("hour");

    /// <summary>A calendar day.</summary>
    public static readonly QuotaPeriod Day = new("day");

    /// <summary>A calendar month.</summary>
    public static readonly QuotaPeriod Month = new("month");

    private QuotaPeriod(string name) => Name = name;

    /// <summary>The wire name: <c>hour</c>, <c>day</c> or <c>month</c>.</summary>
    public string Name { get; }

    /// <summary>Reads a wire name.</summary>
    public static bool TryParse(string? name, [NotNullWhen(true)] out QuotaPeriod? period)
    {
        period = name switch
        {
            "hour" => Hour,
            "day" => Day,
            "month" => Month,
            _ => null,
        };
        return period is not null;
    }

    /// <summary>When the period that contains this moment began, in UTC.</summary>
    public DateTimeOffset Start(DateTimeOffset moment)
    {
        var utc = moment.ToUniversalTime();
        return new DateTimeOffset(utc.Year, utc.Month, this == Month ? 1 : utc.Day, this == Hour ? utc.Hour : 0, 0, 0, TimeSpan.Zero);
    }

    /// <summary>When the period that contains this moment ends, in UTC: the first moment of the next period.</summary>
    public DateTimeOffset End(DateTimeOffset moment)
    {
        var start = Start(moment);
        return this == Month ? start.AddMonths(1) : this == Day ? start.AddDays(1) : start.AddHours(1);
    }

    /// <summary>The wire name.</summary>
    public override string ToString() => Name;
}

/// <summary>
/// Quotas are reserved in storage in blocks before the tokens are issued. So a crash loses the rest of a block, and never gives more
/// than the quota.
/// </summary>
public static class QuotaBlock
{
    /// <summary>Largest quota, in tokens a period.</summary>
    public const long MaxTokens = 1_000_000_000_000;

    /// <summary>Tokens in a block: 5 % of the quota, at least 1.</summary>
    public static long Size(long quota) => Math.Max(1, quota / 20);

    /// <summary>Tokens of the next block when so many are reserved already: fewer when the quota has less left, 0 when it has none left.</summary>
    public static long Next(long quota, long reserved) => Math.Clamp(quota - reserved, 0, Size(quota));
}
