using System.Text.Json.Nodes;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Limits;
using AuthCluster.Storage;

namespace AuthCluster.GrainTests.Limits;

/// <summary>Reservations as a client's row stores them.</summary>
public sealed class QuotaReservationTests
{
    private static readonly DateTimeOffset May = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_row_of_a_build_that_kept_one_reservation_is_read()
    {
        var state = Read("""{"quota":{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":57}}""");

        Assert.Equal(new QuotaReservation("month", May, 57), state.QuotaOf(QuotaPeriod.Month));
        Assert.Null(state.QuotaOf(QuotaPeriod.Hour));
    }

    [Fact]
    public void A_build_that_knows_one_reservation_finds_the_present_one_as_it_was_written()
    {
        var row = JsonNode.Parse(new ClientStateSerializer(StorageProvider.Sqlite).Serialize(new ClientState()
            .WithQuota(new QuotaReservation("hour", May, 9))
            .WithQuota(new QuotaReservation("month", May, 57))).ToString())!;

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":57}"""), row["quota"]));
    }

    [Fact]
    public void Each_kind_of_period_has_a_reservation_of_its_own()
    {
        var state = new ClientState()
            .WithQuota(new QuotaReservation("hour", May, 1))
            .WithQuota(new QuotaReservation("day", May, 2))
            .WithQuota(new QuotaReservation("month", May, 3))
            .WithQuota(new QuotaReservation("hour", May, 4));

        Assert.Equal(
            [4L, 2L, 3L],
            new[] { QuotaPeriod.Hour, QuotaPeriod.Day, QuotaPeriod.Month }.Select(period => state.QuotaOf(period)!.Reserved));
        Assert.Equal(2, state.OtherQuotas.Length);
    }

    [Fact]
    public void Permits_that_an_older_build_reserved_anew_are_added_to_those_reserved_before()
    {
        var state = Read("""
            {"quota":{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":5},
             "otherQuotas":[{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":57}]}
            """);

        Assert.Equal(62, state.QuotaOf(QuotaPeriod.Month)!.Reserved);
        Assert.Equal(62, state.WithQuota(new QuotaReservation("hour", May, 1)).QuotaOf(QuotaPeriod.Month)!.Reserved);
    }

    [Fact]
    public void After_the_clock_jumped_ahead_and_back_the_permits_of_both_periods_count()
    {
        var may = new QuotaReservation("month", May, 500);

        var ahead = may.MovedTo(QuotaPeriod.Month, May.AddYears(1)) with { Reserved = 30 };
        var back = ahead.MovedTo(QuotaPeriod.Month, May.AddDays(3));

        Assert.Equal((May, 530L), (back.PeriodStart, back.Reserved));
        var again = back.MovedTo(QuotaPeriod.Month, May.AddYears(1));
        Assert.Equal((May.AddYears(1), 30L), (again.PeriodStart, again.Reserved));
        Assert.Equal((May.AddMonths(1), 0L), Both(back.MovedTo(QuotaPeriod.Month, May.AddMonths(1))));
    }

    [Fact]
    public void Permits_of_a_period_count_again_when_the_clock_returns_to_it_after_any_other_periods()
    {
        var quota = new QuotaReservation("month", May, 60);

        foreach (var months in (int[])[12, 13, -7, 14, -6])
        {
            quota = quota.MovedTo(QuotaPeriod.Month, May.AddMonths(months));
            quota = quota with { Reserved = quota.Reserved + 10 };
        }

        Assert.Equal((May, 110L), Both(quota.MovedTo(QuotaPeriod.Month, May)));
        Assert.Equal((May.AddMonths(1), 0L), Both(quota.MovedTo(QuotaPeriod.Month, May).MovedTo(QuotaPeriod.Month, May.AddMonths(1))));
    }

    [Fact]
    public void A_month_that_a_wrong_clock_showed_begins_with_nothing_once_a_right_clock_was_seen_before_it()
    {
        var july = May.AddMonths(2);
        var back = (new QuotaReservation("month", May, 100).MovedTo(QuotaPeriod.Month, july) with { Reserved = 10 }).MovedTo(QuotaPeriod.Month, May);
        Assert.True(back.KnowsLaterPeriods);
        var june = (back with { Reserved = 600 }).MovedTo(QuotaPeriod.Month, May.AddMonths(1)) with { Reserved = 900 };

        Assert.Equal((july, 1400L), Both(june.MovedTo(QuotaPeriod.Month, july))); // it may be June and not July that a wrong clock showed
        var right = june.WithoutLaterPeriods();
        Assert.False(right.KnowsLaterPeriods);
        Assert.Equal((july, 0L), Both(right.MovedTo(QuotaPeriod.Month, july)));
        Assert.Equal((May, 1500L), Both(right.MovedTo(QuotaPeriod.Month, May)));
    }

    [Fact]
    public void A_row_remembers_only_a_few_hours_of_a_month_in_which_a_quota_is_used_every_hour()
    {
        var quota = new QuotaReservation("hour", May, 1);
        for (var hour = 1; hour < 24 * 30; hour++)
        {
            quota = quota.MovedTo(QuotaPeriod.Hour, May.AddHours(hour)) with { Reserved = 1 };
        }

        Assert.Equal((1L, 3L), (quota.Reserved, quota.MovedTo(QuotaPeriod.Hour, quota.PeriodStart.AddHours(-2)).Reserved));
        Assert.InRange(new ClientStateSerializer(StorageProvider.Sqlite).Serialize(quota).ToString().Length, 1, 800);
    }

    [Fact]
    public void A_row_of_a_build_that_remembered_one_period_before_is_read()
    {
        var ahead = Read("""
            {"quota":{"per":"month","periodStart":"2027-05-01T00:00:00+00:00","reserved":30,
             "before":{"periodStart":"2026-05-01T00:00:00+00:00","reserved":500}}}
            """).QuotaOf(QuotaPeriod.Month)!;
        var back = Read("""
            {"quota":{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":530,
             "before":{"periodStart":"2026-05-01T00:00:00+00:00","reserved":500},"alsoCountedIn":"2027-05-01T00:00:00+00:00"}}
            """).QuotaOf(QuotaPeriod.Month)!;

        Assert.Equal((May, 530L), Both(ahead.MovedTo(QuotaPeriod.Month, May)));
        Assert.Equal((May.AddYears(1), 30L), Both(back.MovedTo(QuotaPeriod.Month, May.AddYears(1))));
    }

    [Fact]
    public void What_is_remembered_of_other_periods_counts_no_more_after_an_older_build_has_moved_the_row()
    {
        var row = JsonNode.Parse(new ClientStateSerializer(StorageProvider.Sqlite).Serialize(new ClientState().WithQuota(
            (new QuotaReservation("month", May, 500).MovedTo(QuotaPeriod.Month, May.AddMonths(1))) with { Reserved = 7 })).ToString())!;
        row["quota"]!["before"] = JsonNode.Parse("""{"periodStart":"2026-06-01T00:00:00+00:00","reserved":7}""");
        row["quota"]!["periodStart"] = "2026-07-01T00:00:00+00:00";
        row["quota"]!["reserved"] = 2;

        Assert.Equal((May.AddMonths(1), 9L), Both(Read(row.ToJsonString()).QuotaOf(QuotaPeriod.Month)!.MovedTo(QuotaPeriod.Month, May.AddMonths(1))));
    }

    [Fact]
    public void The_next_period_begins_with_what_was_reserved_for_it_and_a_later_one_with_nothing()
    {
        var may = new QuotaReservation("month", May, 500) { Next = 25 };

        Assert.Equal((May.AddMonths(1), 25L), Both(may.MovedTo(QuotaPeriod.Month, May.AddDays(40))));
        Assert.Equal((May.AddMonths(2), 0L), Both(may.MovedTo(QuotaPeriod.Month, May.AddDays(70))));
    }

    private static (DateTimeOffset Start, long Reserved) Both(QuotaReservation reservation) => (reservation.PeriodStart, reservation.Reserved);

    private static ClientState Read(string json) => new ClientStateSerializer(StorageProvider.Sqlite).Deserialize<ClientState>(new BinaryData(json));
}
