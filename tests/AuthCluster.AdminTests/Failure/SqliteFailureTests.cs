using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;
using AuthCluster.TestKit;
using Microsoft.Data.Sqlite;

namespace AuthCluster.AdminTests.Failure;

/// <summary>
/// The server on SQLite, the default: killed within a write, with a table that refuses a row, and with a file that another connection
/// locks. A trigger that counts for hours holds a write; the server itself is unchanged.
/// </summary>
public sealed class SqliteFailureTests(SqliteInstallation installation) : IClassFixture<SqliteInstallation>
{
    private const string Counting = "select count(*) from (with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000000) select i from n);";

    private static readonly TimeSpan WorkThatTells = TimeSpan.FromMilliseconds(1_200);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private AdminServer Server => installation.Server;

    [Theory]
    [InlineData(CrashPoint.Choosing, "before insert on idempotency when 1")]
    [InlineData(CrashPoint.WritingRow, "before insert on grain_state when new.grain_key like 'c:killed-%'")]
    [InlineData(CrashPoint.Telling, "before insert on audit when new.client_id like 'killed-%'")]
    public async Task A_write_in_which_the_server_was_killed_is_carried_out_once_when_it_is_repeated(CrashPoint point, string where)
    {
        var id = $"killed-{point}".ToLowerInvariant();
        var admin = await Server.CallerAsync();
        var before = installation.Process.ProcessorTime();
        Server.Execute($"create trigger hold {where} begin {Counting} end");
        Task<Answer> CreateAsync(AdminCaller caller) => caller.PostAsync("/clients", $$"""{ "clientId": "{{id}}" }""", ("Idempotency-Key", id));

        var call = CreateAsync(admin);
        await Eventually.HoldsAsync("the write is held", TimeSpan.FromSeconds(4), () => installation.Process.ProcessorTime() - before > WorkThatTells, Cancellation);
        Assert.False(call.IsCompleted);
        Assert.Equal(point > CrashPoint.Choosing, Server.Query($"select 1 from idempotency where client_id = '{id}'").Count == 1);
        Assert.Empty(Server.Query($"select 1 from grain_state where grain_key = 'c:{id}'"));
        Assert.Empty(Server.Query($"select 1 from audit where client_id = '{id}'"));
        await installation.Process.KillAsync();
        Server.Execute("drop trigger hold");
        await Server.StartAsync();

        admin = await Server.CallerAsync();
        var again = await CreateAsync(admin);
        Assert.True(again.Status == 201, again.ToString());
        Assert.Equal(again.Body, (await CreateAsync(admin)).Body);
        Assert.Equal(["client.create"], await Agreement.CheckAsync(admin, id));
        Assert.Equal(200, (await Server.TryTokenAsync(new TestClient(id, again.Json["secret"]!.GetValue<string>()))).Status);
    }

    [Theory]
    [InlineData("insert on audit when new.client_id = 'untold'")]
    [InlineData("insert on client_catalogue when new.client_id = 'untold'")]
    [InlineData("update on client_catalogue when new.client_id = 'untold'")]
    [InlineData("insert on revocation when new.client_id = 'untold'")]
    public async Task A_write_that_a_table_refuses_is_503_and_changes_nothing_until_the_table_accepts_it(string what)
    {
        var admin = await Server.CallerAsync();
        await admin.DeleteAsync("/clients/untold");
        var (client, _) = await admin.CreateAsync("untold");
        await Server.TokenAsync(client);
        var before = (await admin.GetAsync("/audit?client=untold")).Items.Count;
        Server.Execute($"create trigger refuse before {what} begin select raise(abort, 'refused by the test'); end");

        (await admin.PostAsync("/clients/untold/disable")).Refused(503);

        // Nothing of the change was stored: the client still gets tokens.
        Assert.Equal(200, (await Server.TryTokenAsync(client)).Status);
        Assert.Equal(before, (await admin.GetAsync("/audit?client=untold")).Items.Count);

        Server.Execute("drop trigger refuse");
        Assert.Equal(200, (await admin.PostAsync("/clients/untold/disable")).Status);
        Assert.Equal(401, (await Server.TryTokenAsync(client)).Status);
        Assert.Equal("client.disable", (await Agreement.CheckAsync(admin, "untold", isUsed: true))[^1]);
        Assert.Equal(before + 1, (await admin.GetAsync("/audit?client=untold")).Items.Count);
    }

    [Fact]
    public async Task While_another_connection_locks_the_file_writes_are_503_and_tokens_are_issued_and_writes_recover_by_themselves()
    {
        var admin = await Server.CallerAsync();
        await admin.CreateAsync("held-file");
        await Server.TokenAsync(AdminServer.Plain);
        using (var other = new SqliteConnection($"Data Source={Directory.EnumerateFiles(Server.Installation.DataDirectory, "*.db").Single()};Pooling=False"))
        {
            await other.OpenAsync(Cancellation);
            await using var held = await other.BeginTransactionAsync(Cancellation);

            foreach (var answer in await Task.WhenAll(
                admin.PostAsync("/clients", """{ "clientId": "held-off" }"""),
                admin.PostAsync("/clients/held-file/secrets", "{}", ("Idempotency-Key", "held")),
                admin.DeleteAsync("/clients/held-file")))
            {
                answer.Refused(503);
            }

            Assert.Equal(200, (await Server.TryTokenAsync(AdminServer.Plain)).Status);
        }

        await Eventually.HoldsAsync(
            "writes are taken again", TimeSpan.FromSeconds(5),
            async () => (await admin.PostAsync("/clients/held-file/secrets", "{}", ("Idempotency-Key", "held"))).Status == 201,
            Cancellation);
        await Agreement.CheckAsync(admin, "held-off");
        await Agreement.CheckAsync(admin, "held-file");
    }
}
