using AuthCluster.Protocol.Json;
using CsCheck;

namespace AuthCluster.UnitTests.Json;

/// <summary>RFC 3339 §5.6: times.</summary>
public sealed class Rfc3339Tests
{
    // RFC 3339 §5.8, and times at the corners; ticks since 0001 come from Python's datetime.
    [Theory]
    [InlineData("1985-04-12T23:20:50.52Z", 626177928505200000)]
    [InlineData("1996-12-19T16:39:57-08:00", 629866391970000000)]
    [InlineData("1996-12-20T00:39:57Z", 629866391970000000)]
    [InlineData("1937-01-01T12:00:27.87+00:20", 610942596278700000)]
    [InlineData("2026-01-31t08:00:00z", 639054432000000000)]
    [InlineData("2026-01-31T08:00:00-00:00", 639054432000000000)]
    [InlineData("2026-01-31T08:00:00.1234567899Z", 639054432001234567)]
    [InlineData("2026-02-01T07:59:00+23:59", 639054432000000000)]
    [InlineData("0001-01-01T00:00:00Z", 0)]
    public void A_time_is_read(string text, long ticks)
    {
        Assert.True(Rfc3339.TryParse(text, out var time));
        Assert.Equal(ticks, time.UtcTicks);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2026-01-31")]
    [InlineData("2026-01-31T08:00Z")]
    [InlineData("2026-01-31T08:00:00")]
    [InlineData("2026-01-31 08:00:00Z")]
    [InlineData("2026-01-31T08:00:00.Z")]
    [InlineData("2026-01-31T08:00:00,5Z")]
    [InlineData("2026-01-31T08:00:00+0100")]
    [InlineData("2026-01-31T08:00:00+1:00")]
    [InlineData("2026-01-31T08:00:00+24:00")]
    [InlineData("2026-01-31T08:00:00+01:60")]
    [InlineData("2026-01-31T08:00:00Z ")]
    [InlineData(" 2026-01-31T08:00:00Z")]
    [InlineData("2026-02-29T08:00:00Z")]
    [InlineData("2026-13-01T08:00:00Z")]
    [InlineData("2026-01-31T24:00:00Z")]
    [InlineData("2016-12-31T23:59:60Z")]
    [InlineData("26-01-31T08:00:00Z")]
    [InlineData("10000-01-31T08:00:00Z")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("٢٠٢٦-01-31T08:00:00Z")]
    [InlineData("2026-01-31T08:00:00.٥Z")]
    public void Text_of_another_form_is_no_time(string? text) => Assert.False(Rfc3339.TryParse(text, out _));

    [Theory]
    [InlineData(639054432000000000, "2026-01-31T08:00:00Z")]
    [InlineData(639054432005000000, "2026-01-31T08:00:00.5Z")]
    [InlineData(639054432001234567, "2026-01-31T08:00:00.1234567Z")]
    [InlineData(0, "0001-01-01T00:00:00Z")]
    public void A_time_is_written_in_UTC(long ticks, string text)
    {
        Assert.Equal(text, Rfc3339.Format(new DateTimeOffset(ticks, TimeSpan.Zero)));
        if (ticks > 0)
        {
            Assert.Equal(text, Rfc3339.Format(new DateTimeOffset(ticks, TimeSpan.Zero).ToOffset(TimeSpan.FromHours(5.5))));
        }
    }

    [Fact]
    public void A_time_that_was_written_is_read_back() =>
        Gen.Long[0, DateTime.MaxValue.Ticks].Sample(ticks =>
        {
            Assert.True(Rfc3339.TryParse(Rfc3339.Format(new DateTimeOffset(ticks, TimeSpan.Zero)), out var time));
            Assert.Equal(ticks, time.UtcTicks);
        });

    [Fact]
    public void Random_text_is_read_as_a_time_or_refused_and_never_throws() =>
        Gen.Select(Gen.String, Gen.String[Gen.Char["0123456789-:TtZz.+ "], 0, 40]).Sample((any, alike) =>
        {
            _ = Rfc3339.TryParse(any, out _);
            _ = Rfc3339.TryParse(alike, out _);
            _ = Rfc3339.TryParse("2026-01-31T08:00:00" + alike, out _);
        });
}
