using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.GrainCalls;

namespace AuthCluster.Web.Admin;

/// <summary>The grains that the admin API asks. <see cref="CallRetry"/> asks again when a silo has died.</summary>
/// <remarks>A repeated change is made once: its command carries the id of its audit entry, and the grain recognises that id.</remarks>
internal sealed class AdminGrains(IGrainFactory grains, CallRetry retry, CallTimeouts timeouts)
{
    private static readonly ClientAnswer NoAnswer = new() { Outcome = ClientOutcome.Unavailable };

    public ICatalogueGrain Catalogue => grains.GetGrain<ICatalogueGrain>(ICatalogueGrain.Key);

    public IIdempotencyGrain Idempotency => grains.GetGrain<IIdempotencyGrain>(IIdempotencyGrain.Key);

    public IClusterGrain Cluster => grains.GetGrain<IClusterGrain>(IClusterGrain.Key);

    public IKeyRingGrain KeyRing => grains.GetGrain<IKeyRingGrain>(IKeyRingGrain.Key);

    public IClientGrain Client(ClientId id) => grains.Client(id.Value);

    /// <summary>Asks until a silo answers or the deadline is over; then gives <paramref name="unavailable"/>.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> ask, T unavailable)
        where T : class =>
        await retry.AskAsync(ask, timeouts.Slow, CancellationToken.None) ?? unavailable;

    /// <summary>
    /// As <see cref="AskAsync"/>, for calls that read whole tables: one attempt may last until the deadline, since a second one would only
    /// take longer.
    /// </summary>
    public async Task<T> AskReportAsync<T>(Func<Task<T>> ask, T unavailable)
        where T : class =>
        await retry.AskAsync(ask, AttemptTimeout.ByDeadline, CancellationToken.None) ?? unavailable;

    /// <summary>
    /// Makes a change: asks until a silo answers or the request's deadline is over; then gives <paramref name="unavailable"/>. Each attempt tells the
    /// grain within what time it has to answer, so that the caller is answered in time also when the grain waits in vain until the change holds everywhere.
    /// </summary>
    public async Task<T> ChangeAsync<T>(AdminChange change, Func<ActorRecord, Task<T>> ask, T unavailable)
        where T : class =>
        await retry.AskAsync(
            (actor, answerWithin) => ask(actor with { AnswerWithin = answerWithin }),
            change.Actor,
            timeouts.Change,
            change.Deadline.Started,
            CancellationToken.None)
        ?? unavailable;

    /// <summary>Makes a change of a client.</summary>
    public Task<ClientAnswer> ChangeClientAsync(ClientId id, AdminChange change, Func<IClientGrain, ActorRecord, Task<ClientAnswer>> ask) =>
        ChangeAsync(change, actor => ask(Client(id), actor), NoAnswer);

    /// <summary>Reads a client.</summary>
    public Task<ClientAnswer> ReadClientAsync(ClientId id) => AskAsync(() => Client(id).GetAsync(CancellationToken.None), NoAnswer);

    /// <summary>Reads when a client, its scopes and its secrets were last used.</summary>
    public Task<LastUsesAnswer> ReadLastUsesAsync(ClientId id) =>
        AskAsync(() => Catalogue.LastUsesAsync(id.Value, CancellationToken.None), new LastUsesAnswer(false, []));
}
