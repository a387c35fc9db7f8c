namespace AuthCluster.Grains.Fencing;

/// <summary>
/// Orleans' own view of the membership, kept up with the silo's readings. Orleans reads once a second, but after each reading that fails it waits
/// longer, up to 64 s. So after an outage of the database it would not know the silos that have started meanwhile: calls to their
/// clients would fail, and a silo that was declared dead would not end.
/// </summary>
internal sealed class OrleansView(IClusterMembershipService members, TimeProvider clock)
{
    // One reading by Orleans takes as long at most, unless it waits for another one first.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>Makes Orleans read at once where it knows other silos, or knows them in another state, than this reading.</summary>
    /// <exception cref="TimeoutException">Orleans has not read in time. It still does.</exception>
    public async Task FollowAsync(MembershipReading reading)
    {
        if (!Agrees(members.CurrentSnapshot, reading))
        {
            await members.Refresh().AsTask().WaitAsync(Timeout, clock);
        }
    }

    private static bool Agrees(ClusterMembershipSnapshot known, MembershipReading reading)
    {
        foreach (var (name, row) in reading.Rows)
        {
            var status = SiloNames.TryParse(name, out var address) ? known.GetSiloStatus(address) : SiloStatus.None;
            // Orleans may have forgotten a dead silo by now.
            if (status != (SiloStatus)row.Status && (row.Status != (int)SiloStatus.Dead || status != SiloStatus.None))
            {
                return false;
            }
        }

        return known.Members.Values.All(member => member.Status == SiloStatus.Dead || reading.Rows.ContainsKey(member.SiloAddress.ToString()));
    }
}
