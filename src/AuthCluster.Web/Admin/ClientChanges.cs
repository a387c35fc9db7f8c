using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>Makes a change of a client and answers it.</summary>
internal static class ClientChanges
{
    /// <summary>Makes a change that answers 204.</summary>
    /// <param name="services">What asks the grain.</param>
    /// <param name="id">The client.</param>
    /// <param name="what">What was not found, where it was not.</param>
    /// <param name="change">Makes it.</param>
    public static async Task<AdminAnswer> ActAsync(AdminServices services, ClientId id, string what, Func<IClientGrain, Task<ClientAnswer>> change)
    {
        var answer = await services.Authority.AskClientAsync(id.Value, change);
        return answer.Outcome == ClientOutcome.Done
            ? new AdminAnswer(StatusCodes.Status204NoContent) { ETag = answer.Client?.ETag }
            : AdminProblem.Of(answer.Outcome, what);
    }

    /// <summary>Makes a change that answers the client.</summary>
    public static async Task<AdminAnswer> ChangeAsync(AdminServices services, ClientId id, Func<IClientGrain, Task<ClientAnswer>> change)
    {
        // Read before the change: afterwards only an answer may come, and it must not depend on one more read.
        var lastUses = await LastUsesAsync(services, id.Value);
        return lastUses.Found
            ? AnswerOf(await services.Authority.AskClientAsync(id.Value, change), lastUses)
            : AdminProblem.NothingDone;
    }

    /// <summary>Makes a change by a merge patch, which answers the client or what is wrong with the document that it makes.</summary>
    public static async Task<AdminAnswer> PatchAsync(AdminServices services, ClientId id, PatchClientCommand command)
    {
        var lastUses = await LastUsesAsync(services, id.Value);
        if (!lastUses.Found)
        {
            return AdminProblem.NothingDone;
        }

        var patched = await services.Patching.PatchAsync(id, command);
        return patched.Problems.IsEmpty
            ? AnswerOf(patched.Answer, lastUses)
            : AdminProblem.Invalid(patched.Problems.ToDictionary(problem => problem.Field, problem => problem.Problem, StringComparer.Ordinal));
    }

    /// <summary>When a client and its secrets were last used.</summary>
    public static Task<LastUsesAnswer> LastUsesAsync(AdminServices services, string clientId) => services.Authority.AskAsync(
        () => services.Authority.Catalogue.LastUsesAsync(clientId, CancellationToken.None), new LastUsesAnswer(false, []));

    private static AdminAnswer AnswerOf(ClientAnswer answer, LastUsesAnswer lastUses) =>
        answer is { Outcome: ClientOutcome.Done, Client: { } client }
            ? ClientAnswers.Of(client, lastUses)
            : AdminProblem.Of(answer.Outcome == ClientOutcome.Done ? ClientOutcome.NotFound : answer.Outcome);
}
