using AuthCluster.Grains.Fencing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>What Orleans says of the silo of this process.</summary>
internal sealed class SiloDetails : ILocalSiloDetails
{
    public SiloDetails(string silo)
    {
        Assert.True(SiloNames.TryParse(silo, out var address));
        SiloAddress = address;
    }

    public SiloAddress SiloAddress { get; }

    public string Name => "silo";

    public string ClusterId => "test";

    public string DnsHostName => "localhost";

    public SiloAddress GatewayAddress => SiloAddress;
}
