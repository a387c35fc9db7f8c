using System.Diagnostics;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Tokens;

/// <summary>An outsider with a stopwatch cannot tell why authentication failed, where the secret is a generated one.</summary>
/// <remarks>
/// The measure is the one that an attacker has: given one answer to each of two kinds of request, how often is it right to guess that the slower one
/// is of the first kind? With equal distributions in half of the cases. Over n tries of each kind the estimate of that probability scatters by
/// sqrt((2n + 1) / 12n²), which is 0.013 for n = 1,000; bursts of other work make neighbouring times alike and widen it. The tolerance of 0.08 is six of
/// those standard deviations, so that chance alone does not fail the test; an attacker who could use a difference within it would need hundreds of
/// tries for each bit, over a network that scatters far more than loopback does. Kinds are asked in turn, in an order that rotates, so that a slow
/// phase of the machine falls on all alike.
/// </remarks>
[Collection(Alone.Name)]
public sealed class TimingTests(TimedServer server) : IClassFixture<TimedServer>
{
    private const int Connections = 8;
    private const int Rounds = 125;
    private const int WarmUp = 20;
    private const int Couples = 4;
    private const int PairsOfCouple = 250;
    private const double Tolerance = 0.08;

    [Fact]
    public async Task Unknown_wrong_and_disabled_take_the_same_time()
    {
        var unknowns = 0;
        (string Kind, Func<TestClient> Next)[] kinds =
        [
            ("an id never heard of", () => new TestClient($"u{Interlocked.Increment(ref unknowns):d6}", GeneratedSecret.New())),
            ("one unknown id again and again", () => new TestClient("nobody", GeneratedSecret.New())),
            ("a wrong secret", () => TimedServer.Known with { Secret = GeneratedSecret.New() }),
            ("a disabled client's right secret", () => TimedServer.Disabled),
            ("a disabled client's wrong secret", () => TimedServer.Disabled with { Secret = GeneratedSecret.New() }),
        ];

        var runs = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => MeasureAsync([.. kinds.Select(kind => kind.Next)])));
        var times = kinds.Select((_, kind) => runs.SelectMany(run => run[kind]).ToArray()).ToArray();

        Assert.Empty(Told([.. kinds.Select(kind => kind.Kind)], times));
    }

    [Fact]
    public async Task The_order_of_the_answers_to_two_requests_sent_at_the_same_moment_tells_nothing()
    {
        var orders = await Task.WhenAll(Enumerable.Range(0, Couples).Select(CoupleAsync));
        var (unknownFirst, knownFirst) = (orders.Sum(order => order.UnknownFirst), orders.Sum(order => order.KnownFirst));

        // The share of heads in 1,000 tosses of a fair coin scatters by 0.016.
        Assert.InRange((double)unknownFirst / (unknownFirst + knownFirst), 0.5 - Tolerance, 0.5 + Tolerance);
    }

    /// <summary>Two connections, on which pairs of requests are sent: how often each kind was answered first.</summary>
    private async Task<(int UnknownFirst, int KnownFirst)> CoupleAsync(int couple)
    {
        using var one = await RawConnection.OpenAsync(server.Address);
        using var other = await RawConnection.OpenAsync(server.Address);
        int unknownFirst = 0, knownFirst = 0;
        for (var pair = -WarmUp; pair < PairsOfCouple; pair++)
        {
            // Two things alternate: which connection carries which kind, and which kind is written first.
            var (forUnknown, forKnown) = (pair & 1) == 0 ? (one, other) : (other, one);
            var unknown = Request(TestClient.New($"p{couple}{pair + WarmUp:d5}"));
            var wrong = Request(TimedServer.Known with { Secret = GeneratedSecret.New() });
            Task[] sent = (pair & 2) == 0
                ? [forUnknown.WriteAsync(unknown), forKnown.WriteAsync(wrong)]
                : [forKnown.WriteAsync(wrong), forUnknown.WriteAsync(unknown)];
            await Task.WhenAll(sent);
            var answers = await Task.WhenAll(TimeAsync(forUnknown), TimeAsync(forKnown));
            if (pair >= 0)
            {
                unknownFirst += answers[0] < answers[1] ? 1 : 0;
                knownFirst += answers[0] > answers[1] ? 1 : 0;
            }
        }

        return (unknownFirst, knownFirst);
    }

    private static async Task<long> TimeAsync(RawConnection connection)
    {
        var answer = await connection.ReadAnswerAsync();
        var now = Stopwatch.GetTimestamp();
        Assert.Equal(401, answer.Status);
        return now;
    }

    private async Task<double[][]> MeasureAsync(Func<TestClient>[] kinds)
    {
        using var connection = await RawConnection.OpenAsync(server.Address);
        var times = kinds.Select(_ => new double[Rounds]).ToArray();
        for (var round = -WarmUp; round < Rounds; round++)
        {
            for (var turn = 0; turn < kinds.Length; turn++)
            {
                var kind = (turn + round + WarmUp) % kinds.Length;
                var request = Request(kinds[kind]());
                var start = Stopwatch.GetTimestamp();
                await connection.WriteAsync(request);
                var end = await TimeAsync(connection);
                if (round >= 0)
                {
                    times[kind][round] = Stopwatch.GetElapsedTime(start, end).TotalMicroseconds;
                }
            }
        }

        return times;
    }

    private static string Request(TestClient client) =>
        RawConnection.TokenRequest($"grant_type=client_credentials&client_id={client.Id}&client_secret={client.Secret}");

    private static List<string> Told(string[] kinds, double[][] times)
    {
        var told = new List<string>();
        for (var a = 0; a < kinds.Length; a++)
        {
            for (var b = a + 1; b < kinds.Length; b++)
            {
                var guess = ProbabilityOfGreater(times[a], times[b]);
                if (Math.Abs(guess - 0.5) > Tolerance)
                {
                    told.Add($"{kinds[a]} (median {Median(times[a]):f0} µs) is slower than {kinds[b]} (median {Median(times[b]):f0} µs) with probability {guess:f3}");
                }
            }
        }

        return told;
    }

    /// <summary>The probability that a value of <paramref name="a"/> is greater than one of <paramref name="b"/>, ties counted half (Mann and Whitney's U over the number of pairs).</summary>
    private static double ProbabilityOfGreater(double[] a, double[] b)
    {
        var sorted = b.Order().ToArray();
        return a.Average(value => (CountBelow(sorted, value) + CountBelow(sorted, Math.BitIncrement(value))) / 2.0) / sorted.Length;
    }

    private static int CountBelow(double[] sorted, double value)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < value ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}

/// <summary>A server as a process of its own, so that the test's own work does not disturb its times.</summary>
public sealed class TimedServer : IAsyncLifetime
{
    /// <summary>A client that may get tokens.</summary>
    public static readonly TestClient Known = TestClient.New("known");

    /// <summary>A client that may not.</summary>
    public static readonly TestClient Disabled = TestClient.New("disabled");

    private readonly ServerProcess _process = new();

    /// <summary>Where it listens.</summary>
    public Uri Address => _process.Address;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _process["AuthCluster:Bootstrap:ClientsFile"] = _process.WriteFile("clients.json", ClientDocument.File(
            Known.Document("""{ "scopes": ["read", "write"] }"""),
            Disabled.Document("""{ "enabled": false }""")));
        await _process.StartAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
