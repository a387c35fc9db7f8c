using AuthCluster.Web.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Cluster;

/// <summary>Who is let in, when many are inside already, and why they are.</summary>
public sealed class AdmissionTests
{
    private const int Places = 2_000;
    private const int WaitingPlaces = 20_000;

    private readonly FakeTimeProvider _clock = new();
    private readonly Admission _admission;
    private bool _busy;

    public AdmissionTests() => _admission = new Admission(_clock, () => _busy);

    [Fact]
    public void A_full_house_refuses_and_who_leaves_makes_room()
    {
        var inside = Fill(Places);

        Assert.False(_admission.TryEnter(out _));
        _admission.Leave(inside[0]);

        Assert.True(_admission.TryEnter(out _));
        Assert.False(_admission.TryEnter(out _));
    }

    [Fact]
    public void Requests_that_wait_for_a_hung_silo_take_no_place_from_the_others()
    {
        // Four seconds of its clients' requests, 2,500 a second, beside others that are answered at once.
        for (var i = 0; i < 40; i++)
        {
            Fill(250);
            foreach (var place in Fill(100))
            {
                _admission.Leave(place);
            }

            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        _clock.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(Places, Fill(Places).Count);
    }

    [Fact]
    public void While_work_waits_for_processors_for_longer_than_a_rush_the_house_is_full_for_everybody()
    {
        Fill(Places);
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
    public void Those_who_wait_are_bounded_too()
    {
        var entered = 0;
        for (var i = 0; i < 100; i++)
        {
            entered += Fill(Places, all: false).Count;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(WaitingPlaces, entered);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [InlineData(300)]
    [InlineData(600)]
    [InlineData(60_000)]
    public void Whenever_all_have_left_all_places_are_free(int milliseconds)
    {
        var inside = Fill(700);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        inside.AddRange(Fill(700));
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        inside.AddRange(Fill(700));
        _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

        foreach (var place in inside)
        {
            _admission.Leave(place);
        }

        Assert.Equal(Places, Fill(Places).Count);
        Assert.False(_admission.TryEnter(out _));
    }

    private List<Place> Fill(int count, bool all = true)
    {
        var places = new List<Place>();
        for (var i = 0; i < count && _admission.TryEnter(out var place); i++)
        {
            places.Add(place);
        }

        Assert.True(!all || places.Count == count, $"{places.Count} of {count} were let in.");
        return places;
    }
}
