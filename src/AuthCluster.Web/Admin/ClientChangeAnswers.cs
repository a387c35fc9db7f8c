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
    /// <param name="change">Makes the change.</param>
    public async Task<AdminAnswer> ChangeAsync(ClientId id, string what, Func<IClientGrain, Task<ClientAnswer>> change)
    {
        var answer = await grains.AskClientAsync(id, change);
        return answer.Outcome == ClientOutcome.Done
            ? new AdminAnswer(StatusCodes.Status204NoContent) { ETag = answer.Client?.ETag }
            : AdminProblem.Of(answer.Outcome, what);
    }

    /// <summary>Makes a change and answers the changed client.</summary>
    public Task<AdminAnswer> ChangeAndShowAsync(ClientId id, Func<IClientGrain, Task<ClientAnswer>> change) =>
        WithLastUsesAsync(id, async lastUses => AnswerOf(await grains.AskClientAsync(id, change), lastUses));

    /// <summary>Merges a patch with a client's document and answers the client, or what is wrong with the merged document.</summary>
    public Task<AdminAnswer> PatchAndShowAsync(ClientId id, PatchClientCommand command) => WithLastUsesAsync(id, async lastUses =>
    {
        var patched = await patching.PatchAsync(id, command);
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
            ? ClientAnswers.Of(client, lastUses)
            : AdminProblem.Of(answer.Outcome == ClientOutcome.Done ? ClientOutcome.NotFound : answer.Outcome);
}
