using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace AuthCluster.Client.Clients;

/// <summary>
/// When a request to the authorization server is repeated: a token request has no effect but its answer, so everything
/// that may pass is tried again, with exponential backoff and jitter, or after as long as the server asked.
/// </summary>
internal static class ServerResilience
{
    /// <summary>
    /// A longer Retry-After is not slept through inside a call: the caller hears of it at once, and nothing is asked
    /// until it has passed.
    /// </summary>
    public static readonly TimeSpan LongestWaitInCall = TimeSpan.FromSeconds(10);

    private const int MostRetries = 10;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5);

    public static void Build(ResiliencePipelineBuilder<HttpResponseMessage> pipeline, TimeProvider clock)
    {
        pipeline.TimeProvider = clock;
        pipeline
            .AddTimeout(new TimeoutStrategyOptions { Name = "total", TimeoutGenerator = args => ValueTask.FromResult(RequestBudget.Of(args.Context.GetRequestMessage()).Total) })
            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = MostRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = FirstDelay,
                MaxDelay = LongestDelay,
                ShouldHandle = args => ShouldRepeatAsync(args, clock),
                DelayGenerator = args => ValueTask.FromResult(RetryAfter(args.Outcome.Result, clock) is { } asked ? Spread(asked) : null),
            })
            .AddTimeout(new TimeoutStrategyOptions { Name = "attempt", TimeoutGenerator = args => ValueTask.FromResult(RequestBudget.Of(args.Context.GetRequestMessage()).Attempt) });
    }

    /// <summary>
    /// The answer's Retry-After as a duration (RFC 9110 §10.2.3), or null. One that says now, or a time that our clock has
    /// passed, is as none: then our own backoff counts.
    /// </summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage? response, TimeProvider clock) => response?.Headers.RetryAfter switch
    {
        { Delta: { } delta } when delta > TimeSpan.Zero => delta,
        { Date: { } date } when date > clock.GetUtcNow() => date - clock.GetUtcNow(),
        _ => null,
    };

    /// <summary>A duration drawn evenly from <paramref name="least"/> to a fifth more, so that many processes don't come back at one moment.</summary>
    public static TimeSpan? Spread(TimeSpan least) => least * (1 + (RandomNumberGenerator.GetInt32(0, 2001) / 10_000.0));

    private static async ValueTask<bool> ShouldRepeatAsync(RetryPredicateArguments<HttpResponseMessage> args, TimeProvider clock)
    {
        if (args.AttemptNumber >= RequestBudget.Of(args.Context.GetRequestMessage()).Retries)
            return false;
        if (args.Outcome.Result is not { } response)
            return args.Outcome.Exception is HttpRequestException or TimeoutRejectedException;
        if (RetryAfter(response, clock) > LongestWaitInCall)
            return false;
        return HttpClientResiliencePredicates.IsTransient(args.Outcome)
            || (response.StatusCode == HttpStatusCode.BadRequest && await IsPassingErrorAsync(response, args.Context.CancellationToken));
    }

    /// <summary>Some servers send <c>server_error</c> with status 400, the default of RFC 6749 §5.2.</summary>
    private static async ValueTask<bool> IsPassingErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), ClientJson.Default.ErrorResponse)?.Error is "server_error" or "temporarily_unavailable";
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
