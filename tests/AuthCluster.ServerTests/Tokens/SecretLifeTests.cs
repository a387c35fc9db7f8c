using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>A client with several secrets, each with its own beginning and end.</summary>
public sealed class SecretLifeTests(SharedServer server) : IDisposable
{
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Fact]
    public async Task Every_secret_within_its_time_is_accepted()
    {
        Expect.Granted(await _caller.PostAsync(PreparedClients.Rotating));
        Expect.Granted(await _caller.BasicAsync(PreparedClients.RotatingToo));
    }

    [Fact]
    public async Task A_secret_past_its_end_is_refused() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.RotatedOut));

    [Fact]
    public async Task A_secret_before_its_beginning_is_refused() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.RotatingSoon));

    [Fact]
    public async Task A_chosen_secret_is_accepted_again_and_again_and_a_wrong_one_never()
    {
        Expect.Granted(await _caller.PostAsync(PreparedClients.Given));
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.Given with { Secret = PreparedClients.Given.Secret + "x" }));
        Expect.Granted(await _caller.PostAsync(PreparedClients.Given));
    }

    public void Dispose() => _caller.Dispose();
}
