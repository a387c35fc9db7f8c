using AuthCluster.UnitTests.Keys;
using AuthCluster.Web.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Cluster;

/// <summary>When a node says that it should get requests.</summary>
public sealed class ReadinessTests
{
    private static readonly TimeSpan AlmostFiveSeconds = TimeSpan.FromSeconds(4.9);

    private readonly FakeTimeProvider _clock = new();
    private readonly TestKeys _keys = new();
    private readonly Readiness _readiness;

    public ReadinessTests() => _readiness = new Readiness(_keys.Ring, _clock);

    [Fact]
    public void A_node_is_ready_once_it_is_started_and_holds_a_key()
    {
        Assert.Equal("starting", _readiness.Reason);

        _readiness.Started();
        Assert.Equal("no signing key", _readiness.Reason);

        _keys.Ring.Update(_keys.Snapshot("one"));
        Assert.True(_readiness.IsReady);
    }

    [Fact]
    public void A_node_that_may_not_decide_for_five_seconds_is_not_ready()
    {
        Start();

        _readiness.Deciding(false);
        _clock.Advance(AlmostFiveSeconds);
        _readiness.Deciding(false);
        Assert.True(_readiness.IsReady);

        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal((false, "may not decide"), (_readiness.IsReady, _readiness.Reason));
    }

    [Fact]
    public void A_node_that_may_decide_again_is_ready_at_once_and_has_five_seconds_anew()
    {
        Start();
        _readiness.Deciding(false);
        _clock.Advance(TimeSpan.FromMinutes(1));

        _readiness.Deciding(true);
        Assert.True(_readiness.IsReady);

        _readiness.Deciding(false);
        _clock.Advance(AlmostFiveSeconds);
        Assert.True(_readiness.IsReady);
    }

    [Fact]
    public void A_front_end_whose_silos_do_not_answer_is_not_ready()
    {
        Start();

        _readiness.Linked(false);
        Assert.Equal((false, "no silo"), (_readiness.IsReady, _readiness.Reason));

        _readiness.Linked(true);
        Assert.True(_readiness.IsReady);
    }

    [Fact]
    public void A_stop_that_has_begun_makes_a_node_unready_for_good()
    {
        Start();

        _readiness.Stopping();
        _readiness.Deciding(true);

        Assert.Equal((false, "stopping"), (_readiness.IsReady, _readiness.Reason));
    }

    private void Start()
    {
        _readiness.Started();
        _keys.Ring.Update(_keys.Snapshot("one"));
    }
}
