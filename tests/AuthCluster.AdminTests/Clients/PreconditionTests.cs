using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Clients;

/// <summary>
/// RFC 9110 sections 8.4, 13.1.2 and 15.5.16, RFC 5789 section 2.2, RFC 7694 section 3: conditional requests, and the answer to a refused body.
/// </summary>
[Collection(OnAdminServer.Name)]
public sealed class PreconditionTests(AdminServer server)
{
    [Fact]
    public async Task A_read_with_the_present_etag_answers_304_until_the_client_is_changed()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("known-already");
        var secret = $"/clients/known-already/secrets/{created.Json["secretId"]}";

        foreach (var path in (string[])["/clients/known-already", "/clients/known-already/secrets", secret])
        {
            foreach (var tags in (string[])[created.ETag!, "W/" + created.ETag, "\"other\", " + created.ETag, "*"])
            {
                var unchanged = await ReadAsync(path, tags);
                Assert.Equal(304, unchanged.Status);
                Assert.Empty(unchanged.Body);
                Assert.Equal(created.ETag, unchanged.ETag);
            }

            Assert.Equal(200, (await ReadAsync(path, "\"other\"")).Status);
            (await ReadAsync(path, "nonsense")).Refused(400);
        }

        (await ReadAsync("/clients/known-already/secrets/none", "*")).Refused(404);
        (await ReadAsync("/clients/nobody", "*")).Refused(404);
        Assert.Equal(200, (await admin.PatchAsync("/clients/known-already", """{ "name": "x" }""")).Status);
        var read = await ReadAsync("/clients/known-already", created.ETag!);
        Assert.Equal(200, read.Status);
        Assert.NotEqual(created.ETag, read.ETag);

        Task<Answer> ReadAsync(string path, string tags) => admin.SendAsync(HttpMethod.Get, path, null, null, ("If-None-Match", tags));
    }

    [Fact]
    public async Task A_change_is_refused_when_its_If_None_Match_names_what_exists()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("none-match");

        foreach (var tags in (string[])["*", created.ETag!, "W/" + created.ETag])
        {
            (await admin.PatchAsync("/clients/none-match", """{ "name": "x" }""", ("If-None-Match", tags))).Refused(412);
            (await admin.PostAsync("/clients/none-match/disable", null, ("If-None-Match", tags))).Refused(412);
            (await admin.PostAsync("/clients/none-match/secrets", null, ("If-None-Match", tags))).Refused(412);
            (await admin.DeleteAsync("/clients/none-match", ("If-None-Match", tags))).Refused(412);
            (await admin.PostAsync("/clients", """{ "clientId": "none-match" }""", ("If-None-Match", tags))).Refused(412);
        }

        Assert.Equal(created.ETag, (await admin.GetAsync("/clients/none-match")).ETag);
        Assert.Equal(201, (await admin.PostAsync("/clients", """{ "clientId": "none-match-new" }""", ("If-None-Match", "*"))).Status);
        Assert.Equal(200, (await admin.PatchAsync("/clients/none-match", """{ "name": "x" }""", ("If-None-Match", "\"other\""))).Status);
    }

    [Fact]
    public async Task A_change_that_was_answered_is_refused_when_it_is_sent_again_with_its_old_etag()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("sent-again");
        var etag = created.ETag!;

        foreach (var (method, path, body) in ((HttpMethod, string, string?)[])[
            (HttpMethod.Put, "", """{ "name": "One" }"""), (HttpMethod.Patch, "", """{ "name": "Two" }"""), (HttpMethod.Post, "/disable", null), (HttpMethod.Post, "/enable", null)])
        {
            var first = await SendAsync(method, path, body, etag);
            var again = await SendAsync(method, path, body, etag);
            Assert.Equal(200, first.Status);
            Assert.NotEqual(etag, first.ETag);
            again.Refused(412);
            etag = first.ETag!;
        }

        Assert.Equal(204, (await SendAsync(HttpMethod.Post, "/revoke-tokens", null, etag)).Status);
        (await SendAsync(HttpMethod.Post, "/revoke-tokens", null, etag)).Refused(412);
        (await SendAsync(HttpMethod.Post, "/secrets", "{}", etag)).Refused(412);
        (await SendAsync(HttpMethod.Post, "/enable", null, etag)).Refused(412);
        etag = (await admin.GetAsync("/clients/sent-again")).ETag!;
        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, "", null, etag)).Status);
        (await SendAsync(HttpMethod.Delete, "", null, etag)).Refused(404);

        Task<Answer> SendAsync(HttpMethod method, string path, string? body, string etag) =>
            admin.SendAsync(method, "/clients/sent-again" + path, body, null, ("If-Match", etag));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("identity", true)]
    [InlineData("Identity, identity", true)]
    [InlineData("gzip", false)]
    [InlineData("identity, gzip", false)]
    public async Task A_body_with_a_content_encoding_is_refused_unless_it_encodes_nothing(string encoding, bool taken)
    {
        var admin = await server.CallerAsync();

        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Post, "/clients"), (HttpMethod.Patch, "/clients/plain"), (HttpMethod.Post, "/clients/plain/secrets")])
        {
            // The unknown member makes sure that nothing is created; a 400 because of it means that the body was read.
            var answer = await admin.SendAsync(method, path, """{ "nmae": 1 }""", null, ("Content-Encoding", encoding));

            answer.Refused(taken ? 400 : 415);
            Assert.Equal(taken ? null : "identity", answer.Header("Accept-Encoding"));
            Assert.Null(answer.Header("Accept"));
        }
    }

    [Fact]
    public async Task The_answer_to_a_body_of_another_media_type_names_the_right_one()
    {
        var admin = await server.CallerAsync();

        var post = await admin.SendAsync(HttpMethod.Post, "/clients", "{}", "text/plain");
        var put = await admin.SendAsync(HttpMethod.Put, "/clients/plain", "{}", "application/merge-patch+json", ("If-Match", "*"));
        var patch = await admin.SendAsync(HttpMethod.Patch, "/clients/plain", "{}", "application/json");

        foreach (var (answer, header, value) in ((Answer, string, string)[])[(post, "Accept", "application/json"), (put, "Accept", "application/json"), (patch, "Accept-Patch", "application/merge-patch+json")])
        {
            answer.Refused(415);
            Assert.Equal(value, answer.Header(header));
            Assert.Null(answer.Header("Accept-Encoding"));
        }
    }
}
