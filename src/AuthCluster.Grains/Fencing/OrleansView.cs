namespace AuthCluster.Grains.Fencing;

/// <summary>
/// Keeps Orleans' own view of the membership up with the silo's readings. Orleans reads once a second and is told of most changes at once; but
/// after each reading that fails it waits longer, up to 64 s. So after an outage of the database it would not know the silos that have started
/// since: calls to their clients would fail, and a silo that was declared dead would not end.
/// </summary>
/// <remarks>For one caller at a time.</remarks>
internal sealed class OrleansView(IClusterMembershipService members, TimeProvider clock)
{
    /// <summary>After so many differing readings in a row Orleans is late: at two readings a second it has had time for one of its own.</summary>
    public const int Patience = 3;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    private int _differing;

    /// <summary>Takes a reading, and makes Orleans read too when it still knows other silos, or other states of them, than this and the last readings.</summary>
    /// <exception cref="OperationCanceledException">Orleans did not read within three seconds.</exception>
    public async Task FollowAsync(MembershipReading reading)
    {
        _differing = Agrees(members.CurrentSnapshot, reading) ? 0 : _differing + 1;
        if (_differing == Patience)
        {
            _differing = 0;
            using var timeout = new CancellationTokenSource(Timeout, clock);
            await members.Refresh(cancellationToken: timeout.Token);
        }
    }

    private static bool Agrees(ClusterMembershipSnapshot known, MembershipReading reading)
    {
        foreach (var row in reading.Rows.Values)
        {
            var status = known.GetSiloStatus(SiloNames.AddressOf(row));
            // Orleans may have forgotten a dead silo by now.
            if (status != (SiloStatus)row.Status && (row.Status != (int)SiloStatus.Dead || status != SiloStatus.None))
            {
                return false;
            }
        }

        return known.Members.Values.All(member => member.Status == SiloStatus.Dead || reading.Rows.ContainsKey(member.SiloAddress.ToString()));
    }
}
