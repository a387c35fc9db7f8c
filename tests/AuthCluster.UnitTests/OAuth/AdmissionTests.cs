using AuthCluster.Web.OAuth;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>Which requests are admitted while the server works on many others.</summary>
public sealed class AdmissionTests
{
    private const int MaxWorking = 2_000;
    private const int MaxWaiting = 20_000;

    private readonly FakeTimeProvider _clock = new();
    private readonly Admission _admission;
    private bool _busy;

    public AdmissionTests() => _admission = new Admission(_clock, () => _busy);

    [Fact]
    public void A_saturated_admission_refuses_until_a_slot_is_given_back()
    {
        var held = Fill(MaxWorking);

        Assert.False(_admission.TryEnter(out _));
        _admission.Leave(held[0]);

        Assert.True(_admission.TryEnter(out _));
        Assert.False(_admission.TryEnter(out _));
    }

    [Fact]
    public void Requests_that_wait_for_a_hung_silo_take_no_slot_from_the_others()
    {
        // Four seconds of requests to the hung silo, 2,500 a second, beside requests that are answered at once.
        for (var i = 0; i < 40; i++)
        {
            Fill(250);
            foreach (var slot in Fill(100))
            {
                _admission.Leave(slot);
            }

            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        _clock.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(MaxWorking, Fill(MaxWorking).Count);
    }

    [Fact]
    public void While_work_waits_for_processors_for_longer_than_a_rush_nobody_is_admitted()
    {
        Fill(MaxWorking);
        _clock.Advance(TimeSpan.FromSeconds(1));
        _busy = true;

        Fill(1);
        _clock.Advance(TimeSpan.FromMilliseconds(900));
        Fill(1);
        _clock.Advance(TimeSpan.FromMilliseconds(100));

        Assert.False(_admission.TryEnter(out _));
        _busy = false;
        Fill(1);
        _busy = true;
        Fill(1);
    }

    [Fact]
    public void The_number_of_waiting_requests_is_bounded_too()
    {
        var entered = 0;
        for (var i = 0; i < 100; i++)
        {
            entered += Fill(MaxWorking, all: false).Count;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(MaxWaiting, entered);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [InlineData(300)]
    [InlineData(600)]
    [InlineData(60_000)]
    public void Whenever_all_slots_are_given_back_all_are_free(int milliseconds)
    {
        var held = Fill(700);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        held.AddRange(Fill(700));
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        held.AddRange(Fill(700));
        _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

        foreach (var slot in held)
        {
            _admission.Leave(slot);
        }

        Assert.Equal(MaxWorking, Fill(MaxWorking).Count);
        Assert.False(_admission.TryEnter(out _));
    }

    private List<AdmissionSlot> Fill(int count, bool all = true)
    {
        var slots = new List<AdmissionSlot>();
        for (var i = 0; i < count && _admission.TryEnter(out var slot); i++)
        {
            slots.Add(slot);
        }

        Assert.True(!all || slots.Count == count, $"{slots.Count} of {count} were admitted.");
        return slots;
    }
}
