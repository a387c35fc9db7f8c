using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using AuthCluster.Web.GrainCalls;

namespace AuthCluster.Web.Admin;

/// <summary>Whom the admin API asks. Asking again after a silo has died is <see cref="CallRetry"/>'s, as for everybody.</summary>
/// <remarks>
/// A change may be asked for again because its command carries the id of its audit entry, by which the grain
/// knows what it has done already.
/// </remarks>
internal sealed class AdminAuthority(IGrainFactory grains, CallRetry retry, CallTimeouts timeouts)
{
    public ICatalogueGrain Catalogue => grains.GetGrain<ICatalogueGrain>(ICatalogueGrain.Key);

    public IIdempotencyGrain Idempotency => grains.GetGrain<IIdempotencyGrain>(IIdempotencyGrain.Key);

    public IClusterGrain Cluster => grains.GetGrain<IClusterGrain>(IClusterGrain.Key);

    public IKeyRingGrain KeyRing => grains.GetGrain<IKeyRingGrain>(IKeyRingGrain.Key);

    public IClientGrain Client(string clientId) => grains.Client(clientId);

    /// <summary>Asks, and again while no silo answers; then gives the answer for that.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> ask, T unavailable)
        where T : class =>
        await retry.AskAsync(ask, timeouts.Slow, CancellationToken.None) ?? unavailable;

    /// <summary>Asks for what reads whole tables: as long as the deadline lets it, since begun twice it only takes longer.</summary>
    public async Task<T> AskReportAsync<T>(Func<Task<T>> ask, T unavailable)
        where T : class =>
        await retry.AskAsync(ask, AttemptTimeout.ByDeadline, CancellationToken.None) ?? unavailable;

    /// <summary>Asks a client's grain.</summary>
    public Task<ClientAnswer> AskClientAsync(string clientId, Func<IClientGrain, Task<ClientAnswer>> ask) =>
        AskAsync(() => ask(Client(clientId)), new ClientAnswer { Outcome = ClientOutcome.Unavailable });
}
