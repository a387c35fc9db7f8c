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
/// Compiles the code that loads a client before the silo is ready. When another silo dies, this silo must load many clients at once; they
/// then need not wait for the compiler.
/// </summary>
public sealed class ClientWarmUp
{
    // No client can have such an id: each is looked up, not found, and not kept.
    private const string UnknownIdPrefix = "warm up ";
    private const int LookupCount = 16;

    private readonly IGrainFactory _grains;
    private readonly ILocalSiloDetails _silo;
    private readonly PepperRing _peppers;
    private readonly ClientDefaults _defaults;
    private readonly TimeProvider _clock;
    private readonly ClientStateSerializer _serializer;

    /// <summary>Takes the services that clients use.</summary>
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

    /// <summary>Runs the warm-up. After a failure the first clients wait a little longer, nothing else.</summary>
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
            // The warm-up only saves time; the silo starts without it.
        }
        finally
        {
            RequestContext.Remove(IPlacementDirector.PlacementHintKey);
        }
    }

    /// <summary>Reads an invented client and decides an invented request.</summary>
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
