using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.StoredState;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What a client's grain makes of a presented secret, and what it stores of one that was proven by its slow hash.</summary>
public sealed class SecretCheckTests
{
    private const string Given = "a secret that somebody chose";

    [Fact]
    public Task The_right_secret_of_a_disabled_client_is_refused_with_that_reason_and_a_wrong_one_with_its_own() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(ClientInParts.PlainClient);
        Assert.Equal((DecisionKind.Allowed, Refusal.None), Check(client, Present()));

        await client.DisableAsync();

        Assert.Equal((DecisionKind.Refused, Refusal.ClientDisabled), Check(client, Present()));
        Assert.Equal((DecisionKind.Refused, Refusal.WrongSecret), Check(client, Present("another")));
    });

    [Fact]
    public Task A_secret_before_its_start_and_after_its_end_is_told_apart_from_a_wrong_one() => ActivationTurns.RunAsync(async () =>
    {
        var start = ClientInParts.Start.AddMinutes(1);
        var secret = SecretOf(Secret, notBefore: start, expiresAt: start.AddMinutes(1));
        await using var client = await ClientInParts.OpenAsync(StateOf(secret));

        Assert.Equal((DecisionKind.Refused, Refusal.SecretNotValidNow), Check(client, Present()));
        client.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((DecisionKind.Allowed, Refusal.None), Check(client, Present()));
        client.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((DecisionKind.Refused, Refusal.SecretNotValidNow), Check(client, Present()));
        client.Clock.Advance(SecretState.KeptAfterEnd + TimeSpan.FromMinutes(1));
        Assert.Equal((DecisionKind.Refused, Refusal.WrongSecret), Check(client, Present()));
    });

    [Fact]
    public Task A_secret_with_a_slow_hash_is_challenged_until_it_is_proven_and_then_known_by_its_digest() => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(StateOf(SlowSecretOf(Given)));

        Assert.Equal(DecisionKind.Prove, Check(client, Present(Given)).Kind);
        Assert.Equal("slow", Assert.Single(client.Secrets.Challenges(client.Row.Policy!)).SecretId);
        Assert.Equal((DecisionKind.Refused, Refusal.WrongSecret), Check(client, Present("another", proofs: Proof("another", strong: true))));
        Assert.Equal((DecisionKind.Allowed, Refusal.None), Check(client, Present(Given, proofs: Proof(Given, strong: false))));
        Assert.Equal((DecisionKind.Allowed, Refusal.None), Check(client, Present(Given)));
        Assert.Equal((DecisionKind.Refused, Refusal.WrongSecret), Check(client, Present("another")));
    });

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public Task The_fast_hash_of_a_proven_secret_is_stored_by_one_write_only_if_the_secret_is_strong(bool strong, int writes) => ActivationTurns.RunAsync(async () =>
    {
        await using var client = await ClientInParts.OpenAsync(StateOf(SlowSecretOf(Given)));

        Check(client, Present(Given, proofs: Proof(Given, strong)));
        Check(client, Present(Given, proofs: Proof(Given, strong)));
        Assert.NotNull(await client.Row.ChangeInBackgroundAsync(_ => null));

        Assert.Equal(writes, client.Table.Writes);
        Assert.Equal(strong, Assert.Single(client.Table.Row!.Secrets).Mac is not null);
    });

    [Fact]
    public Task A_secret_that_was_added_after_the_challenge_is_challenged_again() => ActivationTurns.RunAsync(async () =>
    {
        const string Added = "the secret that was added";
        await using var client = await ClientInParts.OpenAsync(StateOf(SlowSecretOf(Given), SlowSecretOf(Added, "added")));

        // The caller proves only the secret that it was challenged for.
        var answer = Check(client, Present(Added, proofs: Proof(Added, strong: true)));

        Assert.Equal(DecisionKind.Prove, answer.Kind);
    });

    private static ClientState StateOf(params NewSecret[] secrets) =>
        ClientInParts.StateOf(Document("read"), secrets) with { Revision = 1 };

    private static SlowHashProof Proof(string secret, bool strong) => new("slow", [.. Slow(secret)], strong);

    private static (DecisionKind Kind, Refusal Refusal) Check(ClientInParts client, PresentedSecret presented)
    {
        var (kind, refusal, _) = client.Secrets.Check(client.Row.Policy!, presented);
        return (kind, refusal);
    }
}
