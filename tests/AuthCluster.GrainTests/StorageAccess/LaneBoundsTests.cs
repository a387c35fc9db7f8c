using AuthCluster.Grains.StorageAccess;

namespace AuthCluster.GrainTests.StorageAccess;

/// <summary>How the connections of a pool are shared out among the kinds of work.</summary>
public sealed class LaneBoundsTests
{
    [Fact]
    public void The_lanes_fit_in_every_pool_and_have_their_full_size_in_the_drivers_default_pool()
    {
        // Operators are told to give a pool at least 10.
        for (var connections = 10; connections <= 300; connections++)
        {
            var lanes = LaneBounds.OfPool(connections);
            var taken = lanes.Where(lane => lane.Key != StorageLane.Probe).Sum(lane => lane.Value.MaxConcurrent);
            // Two more connections write usage.
            Assert.True(taken + 2 <= connections, $"{taken} of {connections}");
            Assert.All(lanes.Values, lane => Assert.True(lane.MaxConcurrent >= 1));
            // The probe's connections are of another pool, however small this one is.
            Assert.Equal(2, lanes[StorageLane.Probe].MaxConcurrent);
        }

        Assert.Equal((32, 24, 24), (AtOnce(100, StorageLane.Reads), AtOnce(100, StorageLane.Changes), AtOnce(100, StorageLane.Background)));
        // The smallest pool in which every lane has its full size.
        Assert.Equal((91 + 2, 31), (LaneBounds.OfPool(93).Values.Sum(lane => lane.MaxConcurrent), AtOnce(92, StorageLane.Reads)));
        // Lists and reports together leave most connections to others.
        Assert.True(AtOnce(100, StorageLane.Lists) + AtOnce(100, StorageLane.Reports) <= AtOnce(100, StorageLane.Reads) / 2);
    }

    [Fact]
    public void No_answer_of_a_call_that_waits_for_a_lane_comes_after_the_calls_own_time_out()
    {
        foreach (var (lane, bounds) in LaneBounds.OfPool(100))
        {
            // A decision waits for background work for at most CallWait.MaxWait, however long the lane lets that work wait.
            Assert.True(lane == StorageLane.Background || bounds.MaxTotal <= TimeSpan.FromSeconds(6), lane.ToString());
            Assert.True(bounds.MaxWait < bounds.MaxTotal || lane == StorageLane.Probe);
        }
    }

    private static int AtOnce(int connections, StorageLane lane) => LaneBounds.OfPool(connections)[lane].MaxConcurrent;
}
