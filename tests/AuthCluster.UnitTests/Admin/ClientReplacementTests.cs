using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Web.Admin;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Admin;

/// <summary>A PUT of a client document that is refused.</summary>
public sealed class ClientReplacementTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedClientGrain _grain = ScriptedClientGrain.Create();

    [Theory]
    [InlineData("""{ "scopes": 7 }""", 0)]
    [InlineData("""{ "scopes": 7, "colour": "red" }""", 1)]
    public async Task A_refused_document_costs_a_read_of_the_client_only_for_a_member_that_this_build_does_not_know(string document, int reads)
    {
        _grain.Answers["GetAsync"] = _ => Task.FromResult(new ClientAnswer { Outcome = ClientOutcome.NotFound });

        var answer = await ReplaceAsync(document);

        Assert.Equal(400, answer.Status);
        Assert.Equal(reads, _grain.Calls.Count);
    }

    [Fact]
    public async Task A_member_that_this_build_does_not_know_is_not_refused_for_good_while_the_stored_document_can_not_be_read()
    {
        _grain.Answers["GetAsync"] = _ => Task.FromResult(new ClientAnswer { Outcome = ClientOutcome.Unavailable });

        var answer = await ReplaceAsync("""{ "colour": "red" }""");

        Assert.Equal(503, answer.Status);
    }

    private Task<AdminAnswer> ReplaceAsync(string document)
    {
        var http = new DefaultHttpContext();
        http.Request.Method = HttpMethods.Put;
        http.Request.RouteValues["id"] = "orders";
        http.Request.Headers.IfMatch = "*";
        http.Request.ContentType = "application/json";
        http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(document));
        var grains = _grain.Grains(_clock);
        var defaults = new AdminDefaults(3_600);
        var changes = new ClientChangeAnswers(grains, new ClientPatching(grains, defaults, _clock));
        return new ClientReplacement(grains, changes, defaults, _clock).ReplaceAsync(new AdminRequest(http));
    }
}
