using AuthCluster.AdminTests.Session;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;

namespace AuthCluster.AdminTests.Clients;

/// <summary>A change that is stored, and that a silo which could not be asked may not know yet.</summary>
public sealed class UnconfirmedChangeTests
{
    private static readonly TimeSpan TwoSeconds = TimeSpan.FromSeconds(2);

    // The names of headers that are another at each answer, or come with the status.
    private static readonly string[] Varying = ["Date", "Retry-After", "Holds-Everywhere"];

    /// <summary>Every change, and the status by which it is answered when it holds everywhere.</summary>
    public static TheoryData<string, string, string?, int> Changes => new()
    {
        { "POST", "/clients", """{ "clientId": "orders" }""", 201 },
        { "PUT", "/clients/orders", "{}", 200 },
        { "PATCH", "/clients/orders", "{}", 200 },
        { "DELETE", "/clients/orders", null, 204 },
        { "POST", "/clients/orders/disable", null, 200 },
        { "POST", "/clients/orders/enable", null, 200 },
        { "POST", "/clients/orders/revoke-tokens", null, 204 },
        { "POST", "/clients/orders/secrets", "{}", 201 },
        { "DELETE", "/clients/orders/secrets/one", null, 204 },
        { "POST", "/revoke-tokens", null, 204 },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_is_not_confirmed_is_a_202_with_the_body_and_the_headers_that_it_has_when_it_is(string method, string path, string? body, int status)
    {
        await using var grains = new AnsweringGrains();
        var admin = await grains.StartAsync();

        var everywhere = await SendAsync(admin, method, path, body);
        grains.UnconfirmedFor = TwoSeconds;
        var unconfirmed = await SendAsync(admin, method, path, body);

        Assert.Equal(status, everywhere.Status);
        Assert.Null(everywhere.Header("Holds-Everywhere"));
        Assert.Null(everywhere.RetryAfter);
        Assert.Equal(202, unconfirmed.Status);
        Assert.Equal("no", unconfirmed.Header("Holds-Everywhere"));
        Assert.Equal("2", unconfirmed.RetryAfter);
        Assert.Equal(everywhere.Body, unconfirmed.Body);
        Assert.Equal(everywhere.MediaType, unconfirmed.MediaType);
        Assert.Equal(HeadersOf(everywhere), HeadersOf(unconfirmed));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_grain_is_told_how_long_the_caller_of_a_change_waits(string method, string path, string? body, int status)
    {
        await using var grains = new AnsweringGrains();
        var admin = await grains.StartAsync();

        Assert.Equal(status, (await SendAsync(admin, method, path, body)).Status);

        var actor = Assert.Single(grains.Calls.Select(call => ActorOf(call.Argument)).OfType<ActorRecord>());
        Assert.InRange(actor.AnswerWithin, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));
        Assert.Equal("boss", actor.Actor);
    }

    [Theory]
    [InlineData("/clients", """{ "clientId": "orders" }""")]
    [InlineData("/clients/orders/secrets", "{}")]
    public async Task A_creation_that_is_not_confirmed_is_answered_again_by_the_same_key_with_the_same_secret(string path, string body)
    {
        await using var grains = new AnsweringGrains { UnconfirmedFor = TwoSeconds };
        var admin = await grains.StartAsync();

        var first = await admin.PostAsync(path, body, ("Idempotency-Key", "one"));
        grains.UnconfirmedFor = null;
        var again = await admin.PostAsync(path, body, ("Idempotency-Key", "one"));

        Assert.Equal((202, 201), (first.Status, again.Status));
        Assert.Equal(first.Body, again.Body);
        Assert.DoesNotContain(grains.Calls, call => call.Method == nameof(IIdempotencyGrain.ForgetAsync));
    }

    [Theory]
    [InlineData("/clients/orders")]
    [InlineData("/clients/orders/secrets/one")]
    public async Task A_deletion_of_what_is_gone_and_not_confirmed_is_a_202_without_an_etag(string path)
    {
        await using var grains = new AnsweringGrains { UnconfirmedFor = TwoSeconds, IsGone = true };
        var admin = await grains.StartAsync();

        var answer = await admin.DeleteAsync(path);

        Assert.Equal((202, "no", "2"), (answer.Status, answer.Header("Holds-Everywhere"), answer.RetryAfter));
        Assert.Equal((null, ""), (answer.ETag, answer.Body));
    }

    /// <summary>Sends a change. The key lets two creations make the same.</summary>
    private static Task<Answer> SendAsync(AdminCaller admin, string method, string path, string? body) => admin.SendAsync(
        new HttpMethod(method), path, body, null, method == "PUT" ? ("If-Match", "*") : ("Idempotency-Key", "one"));

    private static Dictionary<string, string> HeadersOf(Answer answer) =>
        answer.Headers.Where(header => !Varying.Contains(header.Key, StringComparer.OrdinalIgnoreCase)).ToDictionary(header => header.Key, header => header.Value);

    private static ActorRecord? ActorOf(object? argument) =>
        argument as ActorRecord ?? argument?.GetType().GetProperty("Actor")?.GetValue(argument) as ActorRecord;
}
