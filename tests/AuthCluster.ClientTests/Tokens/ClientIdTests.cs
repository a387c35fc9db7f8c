using AuthCluster.Client;
using AuthCluster.ClientTests.Servers;

namespace AuthCluster.ClientTests.Tokens;

/// <summary>RFC 6749 §2.3.1: an id may have any printable character, as ids that were imported from other servers do.</summary>
public class ClientIdTests
{
    public static TheoryData<string, ClientAuthentication> Ids =>
        new MatrixTheoryData<string, ClientAuthentication>(
            ["http://adfs/x", "a@b", "sp-x!b1|y!b2", "urn:of:colons", "plus+and&equals=", "tilde~star*", "{braces}[brackets]", "it's;semi,comma$caret^grave`"],
            [ClientAuthentication.Basic, ClientAuthentication.Post]);

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task A_client_id_arrives_as_it_is_registered(string id, ClientAuthentication authentication)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.RegisteredId = id;
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.ClientId, options.Authentication) = (id, authentication));

        await host.Tokens.GetTokenAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(id, Assert.Single(issuer.TokenRequests).ClientId);
    }
}
