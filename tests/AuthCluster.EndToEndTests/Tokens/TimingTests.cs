using System.Diagnostics;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.EndToEndTests.Tokens;

/// <summary>An outsider with a stopwatch cannot tell why authentication failed, where the secret is a generated one.</summary>
/// <remarks>
/// The measure is the one that an attacker has: from one answer time each of two kinds of request, how often is the guess right that the slower
/// one is of the first kind? With equal distributions one half. Over n = 1,500 requests of each kind the estimate of that probability scatters by
/// sqrt((2n + 1) / 12n²) = 0.0105, and bursts of other work on the machine make neighbouring times alike, which widens it. A tolerance of 0.06 is
/// more than five of those standard deviations, so that chance alone does not fail the test; and an attacker who could use a difference within it
/// would need thousands of tries for each bit, over a network that scatters far more than loopback does. Kinds are asked in turn, in an order that
/// rotates, so that a slow phase of the machine falls on all alike.
/// </remarks>
public sealed class TimingTests
{
    private const int Rounds = 1_500;
    private const int WarmUp = 300;
    private const double Tolerance = 0.06;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unknown_wrong_and_disabled_take_the_same_time()
    {
        var known = new TestClient("known", GeneratedSecret.New());
        var disabled = new TestClient("disabled", GeneratedSecret.New());
        await using var server = new ServerProcess();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(
            ClientDocument.For(known, new() { ["scopes"] = new System.Text.Json.Nodes.JsonArray("read", "write") }),
            ClientDocument.For(disabled, new() { ["enabled"] = false })));
        await server.StartAsync(Cancellation);
        var unknowns = 0;
        (string Kind, Func<TestClient> Next)[] kinds =
        [
            ("an id never heard of", () => new TestClient($"u{unknowns++:d6}", GeneratedSecret.New())),
            ("one unknown id again and again", () => new TestClient("nobody", GeneratedSecret.New())),
            ("a wrong secret", () => known with { Secret = GeneratedSecret.New() }),
            ("a disabled client's right secret", () => disabled),
            ("a disabled client's wrong secret", () => disabled with { Secret = GeneratedSecret.New() }),
        ];

        var times = await MeasureAsync(server.Address, [.. kinds.Select(kind => kind.Next)]);

        var told = new List<string>();
        for (var a = 0; a < kinds.Length; a++)
        {
            for (var b = a + 1; b < kinds.Length; b++)
            {
                var guess = ProbabilityOfGreater(times[a], times[b]);
                if (Math.Abs(guess - 0.5) > Tolerance)
                {
                    told.Add($"{kinds[a].Kind} (median {Median(times[a]):f0} µs) is slower than {kinds[b].Kind} (median {Median(times[b]):f0} µs) with probability {guess:f3}");
                }
            }
        }

        Assert.Empty(told);
    }

    private static async Task<double[][]> MeasureAsync(Uri server, Func<TestClient>[] kinds)
    {
        using var connection = await RawConnection.OpenAsync(server);
        var times = kinds.Select(_ => new double[Rounds]).ToArray();
        for (var round = -WarmUp; round < Rounds; round++)
        {
            for (var turn = 0; turn < kinds.Length; turn++)
            {
                var kind = (turn + round + WarmUp) % kinds.Length;
                var client = kinds[kind]();
                var request = RawConnection.TokenRequest($"grant_type=client_credentials&client_id={client.Id}&client_secret={client.Secret}");
                var start = Stopwatch.GetTimestamp();
                await connection.WriteAsync(request);
                var answer = await connection.ReadAnswerAsync();
                if (round >= 0)
                {
                    times[kind][round] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
                }

                Assert.Equal(401, answer.Status);
            }
        }

        return times;
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
