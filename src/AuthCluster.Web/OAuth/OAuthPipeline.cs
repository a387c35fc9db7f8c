using System.Diagnostics.CodeAnalysis;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Http;
using AuthCluster.Web.Keys;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// What the OAuth endpoints have in common. An endpoint calls the steps in its own order and returns its answer, which is paced,
/// counted, written and logged here.
/// </summary>
/// <remarks>
/// The folder owns what happens to every request to an OAuth endpoint: head and body within bounds (<see cref="FormBody"/>),
/// <see cref="Admission"/>, the public name of a refusal (<see cref="RefusalMapping"/>), the time of a 401
/// (<see cref="RefusalPacer"/>), metrics and log (<see cref="OAuthTelemetry"/>).
/// </remarks>
public sealed class OAuthPipeline(
    ClientAuthority authority, KeyRing keys, RefusalPacer pacer, Admission admission, OAuthTelemetry telemetry, TimeProvider clock)
{
    /// <summary>Largest accepted form with a token, in bytes: tokens have extra claims.</summary>
    internal const int MaxTokenFormBytes = 32_768;

    /// <summary>Handles one request.</summary>
    internal async Task HandleAsync(HttpContext context, IOAuthEndpoint endpoint)
    {
        var exchange = new OAuthExchange(context, endpoint.Kind, clock.GetTimestamp());
        JsonResponse.ForbidCaching(context.Response);
        try
        {
            var answer = await endpoint.AnswerAsync(exchange);
            if (answer is OAuthRefusal refusal)
            {
                await RefuseAsync(exchange, refusal);
                return;
            }

            // Count before writing, so that a caller who has the answer finds it in the metrics.
            telemetry.Succeeded(exchange);
            await answer.WriteAsync(context.Response);
        }
        catch (Exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            // FaultMiddleware answers and logs it.
            telemetry.Failed(exchange);
            throw;
        }
        finally
        {
            if (exchange.Slot is { } slot)
            {
                admission.Leave(slot);
            }
        }
    }

    /// <summary>Reads a form and parses it: head, body, admission, parse.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="maxBytes">Largest accepted body.</param>
    /// <param name="parse">The parser.</param>
    internal async ValueTask<ParsedRequest<TRequest>> ReadFormAsync<TRequest>(OAuthExchange exchange, int maxBytes, FormParse<TRequest> parse)
        where TRequest : class
    {
        var request = exchange.Request;
        if (FormBody.CheckHead(request, maxBytes) is { } headError)
        {
            return ParsedRequest.Refused<TRequest>(headError);
        }

        var read = await FormBody.ReadAsync(request, maxBytes, clock);
        if (read.Error is { } bodyError)
        {
            return ParsedRequest.Refused<TRequest>(bodyError);
        }

        // Admit only after the body is read, so that slow senders hold no slot.
        if (!admission.TryEnter(out var slot))
        {
            request.BodyReader.AdvanceTo(read.Body.End);
            return ParsedRequest.Refused<TRequest>(OAuthError.TemporarilyUnavailable);
        }

        exchange.Slot = slot;
        var parsed = FormBody.Parse(request, read.Body, parse);
        request.BodyReader.AdvanceTo(read.Body.End);
        exchange.Identify(parsed);
        return parsed;
    }

    /// <summary>Reads a form with a token and finds out who sent it: head, body, admission, parse, authenticate.</summary>
    internal async ValueTask<TokenForm> ReadTokenFormAsync(OAuthExchange exchange)
    {
        var parsed = await ReadFormAsync<TokenArgument>(exchange, MaxTokenFormBytes, TokenArgumentParser.Parse);
        if (!parsed.Succeeded)
        {
            return new TokenForm(null, null, new OAuthRefusal(parsed.Error));
        }

        var authentication = await AuthenticateAsync(exchange, parsed.Request.Client);
        return new TokenForm(parsed.Request.Token, authentication.Caller, authentication.Refusal);
    }

    /// <summary>Authenticates the caller within a slot of the admission, and gives the slot back, for a request that is held afterwards.</summary>
    internal async Task<CallerOrRefusal> AdmitAndAuthenticateAsync(OAuthExchange exchange, ClientCredentials credentials)
    {
        if (!admission.TryEnter(out var slot))
        {
            return new CallerOrRefusal(null, OAuthRefusal.Unavailable);
        }

        try
        {
            return await AuthenticateAsync(exchange, credentials);
        }
        finally
        {
            admission.Leave(slot);
        }
    }

    /// <summary>Authenticates the caller.</summary>
    internal async Task<CallerOrRefusal> AuthenticateAsync(OAuthExchange exchange, ClientCredentials credentials)
    {
        var answer = await authority.AuthenticateAsync(credentials, exchange.Network, exchange.Aborted);
        switch (answer.Kind)
        {
            case DecisionKind.Allowed:
                exchange.Standing = CallerStanding.Proven;
                return new CallerOrRefusal(Caller.Of(credentials.ClientId, answer), null);
            case DecisionKind.Refused:
                return new CallerOrRefusal(null, RefusalOf(exchange, answer.Refusal));
            default:
                return new CallerOrRefusal(null, OAuthRefusal.Unavailable);
        }
    }

    /// <summary>Waits until tokens may be signed and judged here, for what is left of the request's deadline; false when that does not come in time.</summary>
    internal ValueTask<bool> WaitForKeysAsync(OAuthExchange exchange) => keys.MayUse
        ? new ValueTask<bool>(true)
        : keys.WaitUntilUsableAsync(CallTimeouts.Deadline - clock.GetElapsedTime(exchange.Arrived), exchange.Aborted);

    /// <summary>What to answer when a client's grain refuses.</summary>
    internal static OAuthRefusal RefusalOf(OAuthExchange exchange, Refusal refusal)
    {
        var error = RefusalMapping.ErrorOf(refusal);
        exchange.Standing = !ReferenceEquals(error, OAuthError.ClientAuthenticationFailed) ? CallerStanding.Proven
            : refusal == Refusal.UnknownClient ? CallerStanding.Unknown
            : CallerStanding.Named;
        return new OAuthRefusal(error) { Reason = refusal.ToString() };
    }

    private async Task RefuseAsync(OAuthExchange exchange, OAuthRefusal refusal)
    {
        if (ReferenceEquals(refusal.Error, OAuthError.ClientAuthenticationFailed))
        {
            await pacer.WaitAsync(exchange.Arrived);
        }

        var elapsed = telemetry.Refused(exchange, refusal);
        telemetry.LogRefusal(exchange, refusal, elapsed);
        await refusal.WriteAsync(exchange.Response);
    }
}

/// <summary>Who a caller is, or the refusal when that is not known.</summary>
internal readonly record struct CallerOrRefusal(Caller? Caller, OAuthRefusal? Refusal)
{
    /// <summary>Whether the caller has proven who it is.</summary>
    [MemberNotNullWhen(true, nameof(Caller))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool Succeeded => Caller is not null;
}

/// <summary>A token and the caller who asks about it, or the answer when either is not known.</summary>
internal readonly record struct TokenForm(string? Token, Caller? Caller, OAuthRefusal? Refusal)
{
    /// <summary>Whether the form was read and the caller has proven who it is.</summary>
    [MemberNotNullWhen(true, nameof(Token), nameof(Caller))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool Succeeded => Refusal is null;

    /// <summary>Prints nothing of the token.</summary>
    public override string ToString() => $"TokenForm({Caller?.ClientId})";
}
