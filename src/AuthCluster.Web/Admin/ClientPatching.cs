using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.GrainCalls;

namespace AuthCluster.Web.Admin;

/// <summary>Asks a client's grain to merge a patch with the client's document.</summary>
internal sealed class ClientPatching(AdminGrains grains, AdminDefaults defaults, TimeProvider clock)
{
    // An older silo logs an error with a stack for each call that it does not know, so it is not asked each time.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMinutes(1);

    private static readonly PatchClientAnswer Unavailable = new(new ClientAnswer { Outcome = ClientOutcome.Unavailable }, []);

    private long? _olderSiloSeenAt;

    /// <summary>Makes the change.</summary>
    public async Task<PatchClientAnswer> PatchAsync(ClientId id, AdminChange change, PatchClientCommand command)
    {
        if (_olderSiloSeenAt is { } seen && clock.GetElapsedTime(seen) < AskAgainAfter)
        {
            return await MergeHereAsync(id, change, command);
        }

        try
        {
            return await grains.ChangeAsync(
                change, actor => grains.Client(id).PatchAsync(command with { Actor = actor }, CancellationToken.None), Unavailable);
        }
        catch (TypeLoadException)
        {
            // In a rolling upgrade, Orleans throws this for a silo of an older build that does not know the method. Nothing was changed.
            _olderSiloSeenAt = clock.GetTimestamp();
            return await MergeHereAsync(id, change, command);
        }
    }

    /// <summary>
    /// Merges in this process and replaces only the document that it merged with. When another change came first, it merges again, unless
    /// the caller named an ETag. The actor stays the same, so that the grain recognises a change that was made although its answer was lost.
    /// </summary>
    private async Task<PatchClientAnswer> MergeHereAsync(ClientId id, AdminChange change, PatchClientCommand command)
    {
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started) < CallTimeouts.Deadline)
        {
            var present = await grains.ReadClientAsync(id);
            if (present is not { Outcome: ClientOutcome.Done, Client: { } client })
            {
                return new PatchClientAnswer(present, []);
            }

            if (command.IfMatch is not null && command.IfMatch != client.ETag)
            {
                return new PatchClientAnswer(new ClientAnswer { Outcome = ClientOutcome.Stale }, []);
            }

            var merge = ClientDocumentMerge.Of(id.Value, client.DocumentJson, command.Patch.AsMemory(), defaults.TokenLifetimeSeconds);
            if (!merge.Succeeded)
            {
                return new PatchClientAnswer(present, [.. merge.Errors.Select(error => new FieldProblem(error.Key, error.Value))]);
            }

            var replace = new ReplaceClientCommand
            {
                DocumentJson = merge.DocumentJson,
                Enabled = merge.Enabled,
                IfMatch = client.ETag,
                Actor = command.Actor,
            };
            var answer = await grains.ChangeClientAsync(
                id, change, (grain, actor) => grain.ReplaceAsync(replace with { Actor = actor }, CancellationToken.None));
            if (answer.Outcome != ClientOutcome.Stale || command.IfMatch is not null)
            {
                return new PatchClientAnswer(answer, []);
            }
        }

        // Other changes of this client came first each time until the deadline.
        return Unavailable;
    }
}
