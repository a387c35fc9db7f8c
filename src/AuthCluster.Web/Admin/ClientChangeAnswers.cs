using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>Makes a change of a client, and answers with its outcome.</summary>
internal sealed class ClientChangeAnswers(AdminGrains grains, ClientPatching patching)
{
    /// <summary>Makes a change and answers 204.</summary>
    /// <param name="id">The client.</param>
    /// <param name="what">What a 404 says was not found.</param>
    /// <param name="change">The change.</param>
    /// <param name="ask">Asks the grain for it.</param>
    public async Task<AdminAnswer> ChangeAsync(ClientId id, string what, AdminChange change, Func<IClientGrain, ActorRecord, Task<ClientAnswer>> ask)
    {
        var answer = await grains.ChangeClientAsync(id, change, ask);
        return answer.Outcome == ClientOutcome.Done
            ? StoredChange.Answer(new AdminAnswer(StatusCodes.Status204NoContent) { ETag = answer.Client?.ETag }, answer.UnconfirmedFor)
            : AdminProblem.Of(answer.Outcome, what);
    }

    /// <summary>Makes a change and answers the changed client.</summary>
    public Task<AdminAnswer> ChangeAndShowAsync(ClientId id, AdminChange change, Func<IClientGrain, ActorRecord, Task<ClientAnswer>> ask) =>
        WithLastUsesAsync(id, async lastUses => AnswerOf(await grains.ChangeClientAsync(id, change, ask), lastUses));

    /// <summary>Merges a patch with a client's document and answers the client, or what is wrong with the merged document.</summary>
    public Task<AdminAnswer> PatchAndShowAsync(ClientId id, AdminChange change, PatchClientCommand command) => WithLastUsesAsync(id, async lastUses =>
    {
        var patched = await patching.PatchAsync(id, change, command);
        return patched.Problems.IsEmpty
            ? AnswerOf(patched.Answer, lastUses)
            : AdminProblem.Invalid(patched.Problems.ToDictionary(problem => problem.Field, problem => problem.Problem, StringComparer.Ordinal));
    });

    /// <summary>
    /// Reads the last uses before the change: once the change is made, its answer must not depend on one more read. So while storage is
    /// unavailable the answer is 503, whatever else is wrong with the request.
    /// </summary>
    private async Task<AdminAnswer> WithLastUsesAsync(ClientId id, Func<LastUsesAnswer, Task<AdminAnswer>> change)
    {
        var lastUses = await grains.ReadLastUsesAsync(id);
        return lastUses.Found ? await change(lastUses) : AdminProblem.NothingDone;
    }

    private static AdminAnswer AnswerOf(ClientAnswer answer, LastUsesAnswer lastUses) =>
        answer is { Outcome: ClientOutcome.Done, Client: { } client }
            ? StoredChange.Answer(ClientAnswers.Of(client, lastUses), answer.UnconfirmedFor)
            : AdminProblem.Of(answer.Outcome == ClientOutcome.Done ? ClientOutcome.NotFound : answer.Outcome);
}
