using System.Globalization;
using System.Net;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Grains.Fencing;

/// <summary>The names of silos in the fence: as Orleans prints their addresses, <c>S10.0.0.1:11111:123</c>.</summary>
internal static class SiloNames
{
    /// <summary>The name of the silo of a row.</summary>
    public static string Of(SiloRow row) => AddressOf(row).ToString();

    /// <summary>Orleans' address of the silo of a row.</summary>
    public static SiloAddress AddressOf(SiloRow row) => SiloAddress.New(IPAddress.Parse(row.Address), row.Port, row.Generation);

    /// <summary>Whether Orleans knows a silo as dead.</summary>
    public static bool IsDead(this ClusterMembershipSnapshot members, string name) =>
        TryParse(name, out var address) && members.GetSiloStatus(address) == SiloStatus.Dead;

    /// <summary>The address of a silo.</summary>
    /// <returns>False when the text names none.</returns>
    public static bool TryParse(string name, out SiloAddress address)
    {
        address = SiloAddress.Zero;
        var generation = name.LastIndexOf(':');
        if (generation < 0
            || name[0] != 'S'
            || !IPEndPoint.TryParse(name.AsSpan(1, generation - 1), out var endpoint)
            || !int.TryParse(name.AsSpan(generation + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        address = SiloAddress.New(endpoint, number);
        return true;
    }
}
