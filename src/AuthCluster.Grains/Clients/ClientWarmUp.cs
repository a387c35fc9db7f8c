using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StoredState;
using AuthCluster.Storage;
using Orleans.Runtime.Placement;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Goes the way of a cold client before a silo is ready, so that the clients of a silo that died, all of whom are asked for at
/// once where they have never been, don't wait for the compiler too.
/// </summary>
public sealed class ClientWarmUp
{
    // No client can have such an id: each is looked up, not found, and forgotten.
    private const string UnknownIdPrefix = "warm up ";
    private const int LookupCount = 16;

    private readonly IGrainFactory _grains;
    private readonly ILocalSiloDetails _silo;
    private readonly PepperRing _peppers;
    private readonly ClientDefaults _defaults;
    private readonly TimeProvider _clock;
    private readonly ClientStateSerializer _serializer;

    /// <summary>Takes what the clients of the silo use.</summary>
    public ClientWarmUp(IGrainFactory grains, ILocalSiloDetails silo, PepperRing peppers, ClientDefaults defaults, TimeProvider clock, Database database)
    {
        _grains = grains;
        _silo = silo;
        _peppers = peppers;
        _defaults = defaults;
        _clock = clock;
        ArgumentNullException.ThrowIfNull(database);
        _serializer = new ClientStateSerializer(database.Provider);
    }

    /// <summary>Does it. A failure means only that the first clients wait a little longer.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var shown = new PresentedSecret([.. new byte[32]], AuthMethod.ClientSecretBasic, []);
        Decide(shown);
        RequestContext.Set(IPlacementDirector.PlacementHintKey, _silo.SiloAddress);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, LookupCount).Select(i => _grains.Client($"{UnknownIdPrefix}{i}").AuthenticateAsync(shown, cancellationToken)));
        }
        catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
        {
            // The cluster has other worries now.
        }
        finally
        {
            RequestContext.Remove(IPlacementDirector.PlacementHintKey);
        }
    }

    /// <summary>Reads a stored client and decides a request of it, both made up.</summary>
    private void Decide(PresentedSecret shown)
    {
        var stored = _serializer.Serialize(new ClientState
        {
            Enabled = true,
            Document = JsonElement.Parse("""{ "scopes": ["read"] }"""),
            Secrets = [new SecretState { Id = "secret", PepperId = _peppers.CurrentId, Mac = new byte[32] }],
        });
        var policy = ClientPolicy.From("client", _serializer.Deserialize<ClientState>(stored), _defaults);
        new SecretVerifier("client", _peppers).Check(policy.Secrets, shown, _clock.GetUtcNow(), out _);
        policy.Decide(new IssueTokenCommand(shown, ScopesAsked: true, ["read"], [], []), floor: 0, revocationMark: 0, out _);
    }
}
