using AuthCluster.ClusterTests.Fence;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Failure;

/// <summary>Silos that die or hang: callers of the others notice nothing but a moment's wait.</summary>
[Collection(nameof(ThreeSilos))]
public sealed class KillTests(ThreeSilos silos)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_killed_silo_fails_no_request_at_the_others(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        var (victim, lived) = await Activations.FullestAsync(caller, cluster.Nodes);

        var load = Load.Start(caller, [.. cluster.Nodes.Except([victim])], clients, perSecond: 150);
        await Task.Delay(1_500, Cancellation);
        await victim.KillAsync();
        await Task.Delay(6_000, Cancellation);
        var report = await load.StopAsync();

        var figures = report.Figures("kill -9 of one of three");
        TestContext.Current.TestOutputHelper?.WriteLine($"{lived} of {clients.Count} clients lived on the killed silo");
        Assert.True(report.Failed.Count == 0, figures + "\n" + cluster.Outputs());
        Assert.True(report.Slowest < TimeSpan.FromSeconds(2), figures);
        Assert.True(lived > 5, "The kill met hardly any client: the test has shown nothing.");
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_hung_silo_fails_no_request_at_the_others_and_ends_when_it_wakes(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        var (victim, lived) = await Activations.FullestAsync(caller, cluster.Nodes);

        var load = Load.Start(caller, [.. cluster.Nodes.Except([victim])], clients, perSecond: 100);
        await Task.Delay(1_500, Cancellation);
        await victim.PauseAsync();
        await Task.Delay(9_000, Cancellation);
        var report = await load.StopAsync();
        var woken = caller.Now;
        await victim.ContinueAsync();
        var code = await victim.ExitAsync(Cancellation);
        var ended = caller.Now - woken;

        var figures = report.Figures("SIGSTOP of one of three");
        TestContext.Current.TestOutputHelper?.WriteLine($"{lived} of {clients.Count} clients lived on the hung silo, which ended, once woken, after {ended.TotalSeconds:f2} s with exit code {code}");
        Assert.True(report.Failed.Count == 0, figures + "\n" + cluster.Outputs());
        Assert.True(report.Slowest < TimeSpan.FromSeconds(6), figures);
        Assert.True(lived > 5, "The hang met hardly any client: the test has shown nothing.");
        Assert.True(ended < TimeSpan.FromSeconds(2), $"The woken silo lived {ended.TotalSeconds:f2} s.\n{ServerProcess.Tail(victim.Output)}");
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task Requests_that_wait_for_a_hung_silo_do_not_block_requests_to_the_other_silos(DatabaseKind kind)
    {
        const int Waiting = 3_000;
        var clients = silos.Clients;
        using var caller = new Caller();
        var cluster = await silos.OnAsync(kind);
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        var (victim, _) = await Activations.FullestAsync(caller, cluster.Nodes);
        var (front, _) = await Activations.FullestAsync(caller, [.. cluster.Nodes.Except([victim])]);
        var rest = front.ResidentBytes();

        await victim.PauseAsync();
        var first = clients.Select(client => (Client: client, Sample: caller.AskAsync(front, client))).ToList();
        // On a busy machine the first answer takes a while; answers to the hung silo's clients take seconds more.
        await Task.WhenAny(first.Select(asked => asked.Sample));
        await Task.Delay(700, Cancellation);
        var waiting = first.Where(asked => !asked.Sample.IsCompleted).Select(asked => asked.Client).ToList();
        var sound = clients.Except(waiting).ToList();
        Assert.NotEmpty(waiting);
        Assert.NotEmpty(sound);
        var flood = new List<Task<Sample>>(Waiting);
        var answers = new List<Sample>();
        var most = 0;
        bool AllWait() => flood.TrueForAll(sample => !sample.IsCompleted);

        // The loop ends when the hung silo is declared dead, because then all waiting requests are served at once.
        while (flood.Count < Waiting && AllWait())
        {
            for (var i = 0; i < 40; i++)
            {
                flood.Add(caller.AskAsync(front, waiting[flood.Count % waiting.Count]));
            }

            // More requests at once would be more than a front end admits, whichever silo they wait for.
            await Task.Delay(20, Cancellation);

            var answer = await caller.AskAsync(front, sound[answers.Count % sound.Count]);
            if (AllWait())
            {
                most = flood.Count;
                answers.Add(answer);
            }
        }

        var bytes = front.ResidentBytes() - rest;
        var waited = await Task.WhenAll(flood);
        await victim.KillAsync();

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{most} requests of {waiting.Count} clients waited for the hung silo, {bytes / 1024 / Math.Max(1, most)} KB each, {waited.Count(sample => sample.Status == 200)} of them served; "
            + $"{answers.Count} of {sound.Count} others, slowest {answers.Select(sample => sample.Took).Max().TotalSeconds:f2} s");
        Assert.True(most > 2_000, $"Only {most} requests waited at once: the test has shown nothing.");
        Assert.All(answers, sample => Assert.True(sample.Status == 200, sample.ToString()));
        Assert.All(waited, sample => Assert.True(sample.Status == 200, sample.ToString()));
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_silo_that_stands_still_for_a_moment_is_not_declared_dead(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);

        for (var i = 0; i < 5; i++)
        {
            await cluster.Nodes[i % 3].PauseAsync();
            await Task.Delay(300, Cancellation);
            await cluster.Nodes[i % 3].ContinueAsync();
            await Task.Delay(1_000, Cancellation);
        }

        foreach (var node in cluster.Nodes)
        {
            Assert.True(await caller.IsReadyAsync(node), ServerProcess.Tail(node.Output));
        }
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_front_end_goes_on_when_the_silo_that_it_is_connected_to_is_killed_or_hangs(DatabaseKind kind)
    {
        var clients = TestClient.Many("front", 40);
        var (api, admin) = (TestClient.New("api"), TestClient.New("boss"));
        await using var cluster = await ClusterUnderTest.CreateAsync(
            kind,
            [
                .. clients.Select(client => client.Document()),
                api.Document("""{ "introspects": ["https://api.example"] }"""),
                admin.Document(TestClient.Administers),
            ]);
        var behind = await cluster.StartNodesAsync(3, node => node["AuthCluster:Role"] = "Silo");
        var fronts = await cluster.StartNodesAsync(2, node =>
        {
            node["AuthCluster:Role"] = "FrontEnd";
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
        });
        using var caller = new Caller();
        await Activations.WarmAsync(caller, fronts, clients);
        var others = await OtherCalls.PrepareAsync(caller, fronts, clients, api, admin);

        var killLoad = Load.Start(caller, fronts, clients, perSecond: 100);
        var killOthers = others.Start(withWrites: true);
        await Task.Delay(1_500, Cancellation);
        await behind[0].KillAsync();
        await Task.Delay(3_000, Cancellation);
        var killed = await killLoad.StopAsync();
        var othersKilled = await OtherCalls.StopAsync(killOthers);
        await behind[0].StartAsync(Cancellation);

        var hangLoad = Load.Start(caller, fronts, clients, perSecond: 100);
        var hangOthers = others.Start(withWrites: kind == DatabaseKind.PostgreSql);
        await Task.Delay(1_500, Cancellation);
        await behind[1].PauseAsync();
        await Task.Delay(9_000, Cancellation);
        var hung = await hangLoad.StopAsync();
        var othersHung = await OtherCalls.StopAsync(hangOthers);
        await behind[1].KillAsync();

        // All silos end and one of them starts again: the front ends find it by themselves.
        await behind[0].KillAsync();
        await behind[2].KillAsync();
        await behind[2].StartAsync(Cancellation);
        await Eventually.HoldsAsync(
            "both front ends issue tokens again",
            TimeSpan.FromSeconds(20),
            async () => (await Task.WhenAll(fronts.Select(front => caller.AskAsync(front, clients[0])))).All(sample => sample.Status == 200),
            Cancellation);

        var repeats = await Task.WhenAll(fronts.Select(front => caller.MetricAsync(front, "authcluster_cluster_repeats_total", "reason=\"timeout\"")));
        TestContext.Current.TestOutputHelper?.WriteLine($"calls repeated by the front ends: {string.Join(", ", repeats)}");
        Assert.True(repeats.Sum() > 0, "A killed and a hung silo repeated no call.");
        Assert.Null(await caller.TryGetAsync(behind[2], "/.well-known/jwks.json"));
        var killFigures = killed.Figures("front ends, kill -9 of a silo");
        var hangFigures = hung.Figures("front ends, SIGSTOP of a silo");
        // A write waits until it is proven that the killed silo has ended, as long as the answer of any write may take.
        var otherFigures = othersKilled.Select(other => (other.Report, Figures: other.Report.Figures($"front ends, kill -9 of a silo, {other.What}"), Most: other.What == OtherCalls.Write ? WriteAnswer.MaxTime : TimeSpan.FromSeconds(5)))
            .Concat(othersHung.Select(other => (other.Report, Figures: other.Report.Figures($"front ends, SIGSTOP of a silo, {other.What}"), Most: WriteAnswer.MaxTime)))
            .ToList();
        Assert.True(killed.Failed.Count == 0, killFigures + cluster.Outputs());
        Assert.True(hung.Failed.Count == 0, hangFigures + cluster.Outputs());
        Assert.All(otherFigures, other => Assert.True(other.Report.Failed.Count == 0, other.Figures + cluster.Outputs()));
        Assert.True(killed.Slowest < TimeSpan.FromSeconds(4), killFigures);
        Assert.True(hung.Slowest < TimeSpan.FromSeconds(8), hangFigures);
        Assert.All(otherFigures, other => Assert.True(other.Report.Slowest < other.Most, other.Figures));
    }
}
