using System.Text.Json.Nodes;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Limits;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.GrainTests.Limits;

/// <summary>Reservations as they lie in a client's row.</summary>
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
        var row = JsonNode.Parse(new ClientStateSerializer().Serialize(new ClientState()
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
    public void What_an_older_build_reserved_anew_counts_beside_what_was_reserved_before()
    {
        var state = Read("""
            {"quota":{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":5},
             "otherQuotas":[{"per":"month","periodStart":"2026-05-01T00:00:00+00:00","reserved":57}]}
            """);

        Assert.Equal(62, state.QuotaOf(QuotaPeriod.Month)!.Reserved);
        Assert.Equal(62, state.WithQuota(new QuotaReservation("hour", May, 1)).QuotaOf(QuotaPeriod.Month)!.Reserved);
    }

    [Fact]
    public void A_clock_that_jumps_ahead_and_back_takes_what_was_reserved_along()
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
    public void The_next_period_begins_with_what_was_reserved_for_it_and_a_later_one_with_nothing()
    {
        var may = new QuotaReservation("month", May, 500) { Next = 25 };

        Assert.Equal((May.AddMonths(1), 25L), Both(may.MovedTo(QuotaPeriod.Month, May.AddDays(40))));
        Assert.Equal((May.AddMonths(2), 0L), Both(may.MovedTo(QuotaPeriod.Month, May.AddDays(70))));
    }

    private static (DateTimeOffset Start, long Reserved) Both(QuotaReservation reservation) => (reservation.PeriodStart, reservation.Reserved);

    private static ClientState Read(string json) => new ClientStateSerializer().Deserialize<ClientState>(new BinaryData(json));
}
