using AuthCluster.Contracts.Clients;

namespace AuthCluster.GrainTests.Contracts;

/// <summary>The key of a client's grain.</summary>
public sealed class ClientGrainKeyTests
{
    [Theory]
    [InlineData("orders", "c:orders")]
    [InlineData("http://adfs/x", "c:http://adfs/x")]
    [InlineData("a{0}b}", "c:a<0>b>")]
    public void A_key_holds_the_id_and_no_brace(string id, string key)
    {
        Assert.Equal(key, ClientGrainKey.Of(id));
        Assert.Equal(id, ClientGrainKey.ClientId(key));
    }
}
