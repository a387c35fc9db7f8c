using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;
using CsCheck;

namespace AuthCluster.GrainTests.Limits;

/// <summary>The permits of a quota over everything that can happen to them, in any order.</summary>
public sealed class QuotaPermitsTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 15, 10, 30, 0, TimeSpan.Zero);
    private static readonly QuotaPeriod[] Periods = [QuotaPeriod.Hour, QuotaPeriod.Day, QuotaPeriod.Month];
    private static readonly long[] Sizes = [1, 3, 19, 40, 100, 2_000];
    private static readonly int[] Jumps = [-400, -40, -2, 2, 3, 40, 400];

    private static Gen<(int What, int Number)[]> Steps(int kinds) => Gen.Select(Gen.Int[0, kinds - 1], Gen.Int[0, 999]).Array[0, 60];

    [Fact]
    public void The_remainder_is_the_quota_less_the_spent_permits_after_any_change_adoption_or_sign_off() =>
        Steps(kinds: 9).Sample(steps =>
        {
            var row = new QuotaRow(Start);
            var activation = row.Activate();
            activation.Change(QuotaOf(4));
            var spent = new Dictionary<(QuotaPeriod, DateTimeOffset), long>();
            void Spend(int times)
            {
                for (var i = 0; i < times && row.Quota is not null; i++)
                {
                    Count(spent, row, activation.Spend());
                }
            }

            foreach (var (what, number) in steps)
            {
                switch (what)
                {
                    case 0 or 1:
                        Spend(number % 50);
                        break;
                    case 2:
                        activation.Refill(number % 3 == 0 ? WriteEnd.Refused : WriteEnd.Done, () =>
                        {
                            SpendAtOnce(row, activation, spent, number % 5);
                            row.Now += TimeSpan.FromMinutes(number % 7 * 10);
                            SpendAtOnce(row, activation, spent, number % 3);
                        });
                        break;
                    case 3:
                        activation.Change(
                            QuotaOf(number), number % 5 == 0 ? WriteEnd.Refused : WriteEnd.Done,
                            row.Quota is { Enforce: true } ? () => SpendAtOnce(row, activation, spent, number % 5) : null);
                        break;
                    case 4:
                        activation.Change(null);
                        activation.Change(QuotaOf(number));
                        break;
                    case 5:
                        activation.Load();
                        activation.Load();
                        break;
                    case 6:
                        activation.SignOff();
                        Assert.True(activation.HoldsNothing);
                        activation = row.Activate();
                        break;
                    case 7:
                        row.Now += TimeSpan.FromMinutes(number % 90);
                        break;
                    default:
                        row.Now += TimeSpan.FromDays(number % 40);
                        break;
                }

                var quota = row.Quota!;
                var here = spent.GetValueOrDefault((quota.Per, quota.Per.Start(row.Now)));
                Assert.Equal(Math.Max(0, quota.Tokens - here), activation.Remaining);
            }
        }, iter: 300);

    [Fact]
    public void Activations_kills_and_lost_writes_never_give_more_than_the_quota() =>
        Steps(kinds: 10).Sample(steps =>
        {
            var row = new QuotaRow(Start);
            QuotaRow.Activation[] activations = [row.Activate(), row.Activate()];
            var spent = new Dictionary<(QuotaPeriod, DateTimeOffset), long>();
            activations[0].Change(QuotaOf(3, enforce: true));
            activations[1].Load();
            foreach (var (what, number) in steps)
            {
                var at = number % 2;
                var end = (WriteEnd)(number % 4);
                switch (what)
                {
                    case <= 3:
                        for (var i = 0; i < number % 30; i++)
                        {
                            Count(spent, row, activations[at].Spend());
                        }

                        break;
                    case 4:
                        activations[at].Refill(end, () => SpendAtOnce(row, activations[at], spent, number % 7));
                        break;
                    case 5:
                        // Each activation reads a change of the quota.
                        activations[at].Change(QuotaOf(number, enforce: true), end, () => SpendAtOnce(row, activations[at], spent, number % 7));
                        activations[1 - at].Load();
                        break;
                    case 6:
                        activations[at].SignOff();
                        activations[at] = row.Activate();
                        break;
                    case 7:
                        activations[at] = row.Activate();
                        break;
                    case 8:
                        activations[at].Load();
                        break;
                    default:
                        row.Now += TimeSpan.FromMinutes(number % 45);
                        break;
                }
            }
        }, iter: 300);

    [Fact]
    public void A_clock_that_shows_another_time_for_a_while_gives_nothing_twice_and_takes_no_more_than_what_was_held() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 6], Steps(kinds: 5)).Sample((kind, jump, steps) =>
        {
            var right = Start;
            var wrong = Periods[kind] == QuotaPeriod.Hour ? right.AddHours(Jumps[jump]) : right.AddDays(Jumps[jump] * (kind == 2 ? 31 : 1));
            var row = new QuotaRow(right);
            var activation = row.Activate();
            activation.Change(new ClientQuota { Tokens = 100, Per = Periods[kind] });
            // From the first token on the row records the period.
            long spent = activation.Spend() ? 1 : 0;
            long lost = 0;
            foreach (var (what, number) in steps)
            {
                switch (what)
                {
                    case 0 or 1:
                        for (var i = 0; i < number % 12; i++)
                        {
                            spent += activation.Spend() ? 1 : 0;
                        }

                        break;
                    case 2:
                        activation.SignOff();
                        activation = row.Activate();
                        break;
                    case 3:
                        activation.Refill();
                        break;
                    default:
                        row.Now = row.Now == right ? wrong : right;
                        lost += QuotaBlock.Size(100);
                        break;
                }
            }

            row.Now = right;
            var left = activation.Remaining;
            Assert.InRange(left, Math.Max(0, 100 - spent - lost), Math.Max(0, 100 - spent));
            Assert.InRange(Fresh(row, activation).Remaining, left, Math.Max(0, 100 - spent));
        }, iter: 300);

    [Fact]
    public void However_the_clock_walks_a_period_gives_no_more_than_its_quota_once_the_clock_is_right_again() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 8].Array[1, 6], Steps(kinds: 8)).Sample((kind, jumps, steps) =>
        {
            var period = Periods[kind];
            var right = Start;
            var row = new QuotaRow(right);
            var activation = row.Activate();
            activation.Change(new ClientQuota { Tokens = 40, Per = period });
            // From the first token on the row records the period.
            var spent = activation.Spend() ? 1 : 0;
            foreach (var (what, number) in steps)
            {
                switch (what)
                {
                    case <= 2:
                        for (var i = 0; i < number % 15; i++)
                        {
                            Spend();
                        }

                        break;
                    case 3:
                        activation.SignOff();
                        activation = row.Activate();
                        break;
                    case 4:
                        activation = row.Activate();
                        break;
                    case 5:
                        // The clock is right when a period begins, since one that is wrong then can't be told from one that was wrong before,
                        // and known to be right before that, when permits of the next period are due.
                        row.Now = period.End(right).AddMinutes(-5.2);
                        (right, row.IsRight) = (row.Now, true);
                        Spend();
                        activation.Refill();
                        right = period.End(right).AddMinutes(1);
                        row.Now = right;
                        row.IsRight = false;
                        Assert.True(activation.Spend(), "A period that has begun has nothing left.");
                        spent = 1;
                        // From the first write on the row records the period.
                        activation.Refill();
                        break;
                    case 6:
                        row.Now = right;
                        break;
                    default:
                        row.Now = Walked(right, period, jumps[number % jumps.Length] - 4);
                        break;
                }
            }

            void Spend()
            {
                var isSpent = activation.Spend();
                spent += isSpent ? 1 : 0;
                Assert.False(isSpent && row.Now == right && spent > 40, $"{spent} of 40 spent");
            }
        }, iter: 1_000);

    [Fact]
    public void A_clock_that_goes_back_by_seconds_over_the_start_of_an_hour_stays_in_the_hour_that_began()
    {
        var row = new QuotaRow(new DateTimeOffset(2026, 5, 15, 10, 59, 50, TimeSpan.Zero));
        var activation = row.Activate();
        activation.Change(new ClientQuota { Tokens = 10, Per = QuotaPeriod.Hour });
        Spend(activation, 9);
        row.Now += TimeSpan.FromSeconds(11);
        Spend(activation, 4);

        row.Now -= TimeSpan.FromSeconds(3);

        Assert.Equal(6, activation.Remaining);
        Assert.Equal(6, Fresh(row, activation).Remaining);
        row.Now += TimeSpan.FromSeconds(3);
        Assert.Equal(6, activation.Remaining);
    }

    [Fact]
    public void Permits_of_the_next_period_are_reserved_before_it_begins_and_not_spent_before()
    {
        var row = new QuotaRow(new DateTimeOffset(2026, 5, 15, 10, 50, 0, TimeSpan.Zero));
        var activation = row.Activate();
        activation.Change(new ClientQuota { Tokens = 100, Per = QuotaPeriod.Hour });
        Spend(activation, 90);
        row.Now = new DateTimeOffset(2026, 5, 15, 10, 59, 0, TimeSpan.Zero);
        Assert.True(activation.WantsWrite);
        activation.Refill();
        Assert.Equal(5, row.State.Quota!.Next);

        Assert.Equal(10, activation.Remaining);
        Spend(activation, 10);
        Assert.False(activation.Spend());
        row.Now = new DateTimeOffset(2026, 5, 15, 11, 0, 0, TimeSpan.Zero);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(Grains.Limits.QuotaOutcome.Spent, activation.SpendAtOnce());
        }

        Assert.Equal(95, activation.Remaining);
    }

    [Fact]
    public void A_client_that_asked_for_nothing_in_a_period_reserves_nothing_for_the_next()
    {
        var row = new QuotaRow(new DateTimeOffset(2026, 5, 15, 10, 50, 0, TimeSpan.Zero));
        var activation = row.Activate();
        activation.Change(new ClientQuota { Tokens = 100, Per = QuotaPeriod.Hour });
        activation.Refill();

        row.Now = new DateTimeOffset(2026, 5, 15, 10, 59, 59, TimeSpan.Zero);

        Assert.False(activation.WantsWrite);
    }

    private static DateTimeOffset Walked(DateTimeOffset time, QuotaPeriod period, int periods) =>
        period == QuotaPeriod.Hour ? time.AddHours(periods) : period == QuotaPeriod.Day ? time.AddDays(periods) : time.AddMonths(periods);

    private static QuotaRow.Activation Fresh(QuotaRow row, QuotaRow.Activation ended)
    {
        ended.SignOff();
        return row.Activate();
    }

    private static void Spend(QuotaRow.Activation activation, int times)
    {
        for (var i = 0; i < times; i++)
        {
            Assert.True(activation.Spend());
        }
    }

    private static void SpendAtOnce(QuotaRow row, QuotaRow.Activation activation, Dictionary<(QuotaPeriod, DateTimeOffset), long> spent, int times)
    {
        for (var i = 0; i < times && row.Quota is not null; i++)
        {
            Count(spent, row, activation.SpendAtOnce() == Grains.Limits.QuotaOutcome.Spent);
        }
    }

    private static void Count(Dictionary<(QuotaPeriod, DateTimeOffset), long> spent, QuotaRow row, bool isSpent)
    {
        if (isSpent)
        {
            var quota = row.Quota!;
            var key = (quota.Per, quota.Per.Start(row.Now));
            spent[key] = spent.GetValueOrDefault(key) + 1;
            Assert.True(spent[key] <= quota.Tokens, $"{spent[key]} of {quota.Tokens} spent");
        }
    }

    private static ClientQuota QuotaOf(int number, bool? enforce = null) => new()
    {
        Tokens = Sizes[number % Sizes.Length],
        Per = Periods[number / Sizes.Length % Periods.Length],
        Enforce = enforce ?? number % 4 != 0,
    };
}
