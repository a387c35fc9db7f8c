using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Admin;
using AuthCluster.Web.Clients;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Admin;

/// <summary>The secrets of one document, which take turns with everybody else's slow hashes.</summary>
public sealed class SecretHashingTests
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(3);

    private readonly FakeTimeProvider _clock = new();
    private readonly SlowHashGate _gate;

    public SecretHashingTests() => _gate = new SlowHashGate(_clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_document_with_several_secrets_is_hashed_though_each_of_them_waits_for_others()
    {
        // Every slot is taken, and each holder keeps its slot for three seconds.
        var slots = Math.Max(1, Environment.ProcessorCount / 2);
        for (var i = 0; i < slots; i++)
        {
            Assert.True(await _gate.TakeTurnAsync(TimeSpan.Zero, Cancellation));
        }

        var hashing = new SecretHashing(_gate).StoreAsync(
            [.. Enumerable.Range(0, 4).Select(i => new ClientSecretEntry { Secret = $"the secret number {i}" })], Cancellation);
        while (!hashing.IsCompleted)
        {
            var next = _gate.TakeTurnAsync(TimeSpan.FromMinutes(1), Cancellation);
            _clock.Advance(Turn);
            _gate.EndTurn();
            Assert.True(await next);
        }

        Assert.Equal(4, (await hashing)!.Value.Length);
    }

    [Fact]
    public async Task A_secret_whose_turn_does_not_come_is_given_up()
    {
        for (var i = 0; i < Math.Max(1, Environment.ProcessorCount / 2); i++)
        {
            Assert.True(await _gate.TakeTurnAsync(TimeSpan.Zero, Cancellation));
        }

        var hashing = new SecretHashing(_gate).StoreAsync([new ClientSecretEntry { Secret = "a secret" }], Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(7));

        Assert.Null(await hashing);
    }
}
