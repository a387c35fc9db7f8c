using System.Globalization;
using AuthCluster.Grains.Usage;
using BenchmarkDotNet.Attributes;

namespace AuthCluster.Benchmarks.Steps;

/// <summary>The cost of counting one token, while a client uses several pairs of secret and scopes in turn.</summary>
[MemoryDiagnoser]
public class UsageSteps
{
    private static readonly DateTimeOffset Now = new(2026, 5, 15, 10, 30, 0, TimeSpan.Zero);

    private readonly ClientUsage _usage = new UsageBook(new SiloActivity(TimeProvider.System)).Open("orders");
    private (string SecretId, string Scope)[] _pairs = [];
    private int _next;

    /// <summary>How many pairs are used in turn: two while a secret is rotated.</summary>
    [Params(1, 2, 16)]
    public int Pairs { get; set; }

    /// <summary>How many scopes each token has.</summary>
    [Params(2, 40)]
    public int Scopes { get; set; }

    [GlobalSetup]
    public void MakePairs() => _pairs = [.. Enumerable.Range(0, Pairs).Select(pair => (
        string.Create(CultureInfo.InvariantCulture, $"secret-{pair}"),
        string.Join(' ', Enumerable.Range(0, Scopes).Select(scope => string.Create(CultureInfo.InvariantCulture, $"orders:scope-{scope}")))))];

    [Benchmark]
    public void Count_a_token()
    {
        var (secretId, scope) = _pairs[_next];
        _next = _next + 1 < _pairs.Length ? _next + 1 : 0;
        _usage.CountIssued(Now, secretId, scope);
    }
}
