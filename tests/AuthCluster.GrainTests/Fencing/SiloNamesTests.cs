using System.Net;
using AuthCluster.Grains.Fencing;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.GrainTests.Fencing;

public sealed class SiloNamesTests
{
    [Theory]
    [InlineData("10.0.0.1", 11111, 155057638)]
    [InlineData("fd00::7", 11111, 1)]
    public void The_name_of_a_silo_is_its_address_as_Orleans_prints_it_and_can_be_read_back(string address, int port, int generation)
    {
        var name = SiloNames.Of(new SiloRow(address, port, generation, "silo", 3, null, false, null));

        Assert.Equal(SiloAddress.New(IPAddress.Parse(address), port, generation).ToString(), name);
        Assert.True(SiloNames.TryParse(name, out var read));
        Assert.Equal((IPAddress.Parse(address), port, generation), (read.Endpoint.Address, read.Endpoint.Port, read.Generation));
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("S10.0.0.1")]
    [InlineData("10.0.0.1:11111:5")]
    [InlineData("S10.0.0.1:11111:x")]
    [InlineData("S10.0.0.1:11111:-5")]
    [InlineData("Shost:11111:5")]
    public void A_text_that_names_no_silo_is_not_read(string text) => Assert.False(SiloNames.TryParse(text, out _));
}
