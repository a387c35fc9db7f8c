using System.Text;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Requests to add a secret.</summary>
public sealed class SecretRequestReaderTests
{
    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"label":null,"notBefore":null,"expiresAt":null,"retireOthersAfter":null}""")]
    public void A_secret_request_may_ask_for_nothing_particular(string json) => Assert.Equal(new SecretRequest(), Read(json, []));

    [Fact]
    public void Label_times_and_the_end_of_the_others_are_read()
    {
        var request = Read("""{"label":"blue","notBefore":"2030-01-01T00:00:00Z","expiresAt":"2031-01-01T00:00:00Z","retireOthersAfter":3600}""", []);

        Assert.Equal(
            new SecretRequest
            {
                Label = "blue",
                NotBefore = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero),
                ExpiresAt = new DateTimeOffset(2031, 1, 1, 0, 0, 0, TimeSpan.Zero),
                RetireOthersAfter = TimeSpan.FromHours(1),
            },
            request);
    }

    [Theory]
    [InlineData("$", "[]")]
    [InlineData("$", "{")]
    [InlineData("label", """{"label":"a","label":"b"}""")]
    [InlineData("label", """{"label":"a\u0000"}""")]
    [InlineData("notBefore", """{"notBefore":"2030-01-01"}""")]
    [InlineData("expiresAt", """{"expiresAt":1}""")]
    [InlineData("expiresAt", """{"notBefore":"2030-01-01T00:00:00Z","expiresAt":"2029-01-01T00:00:00Z"}""")]
    [InlineData("retireOthersAfter", """{"retireOthersAfter":-1}""")]
    [InlineData("retireOthersAfter", """{"retireOthersAfter":1.5}""")]
    [InlineData("retireOthersAfter", """{"retireOthersAfter":"01:00:00"}""")]
    [InlineData("secret", """{"secret":"0123456789abcdef"}""")]
    public void What_is_wrong_in_a_secret_request_is_named_by_its_field(string path, string json) => Assert.Null(Read(json, [path]));

    private static SecretRequest? Read(string json, string[] paths)
    {
        var request = SecretRequestReader.Read(Encoding.UTF8.GetBytes(json), out var errors);
        Assert.Equal(paths, errors.Keys);
        return request;
    }
}
