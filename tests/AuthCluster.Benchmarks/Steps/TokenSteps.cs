using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;
using AuthCluster.Protocol.Requests;
using AuthCluster.Protocol.Tokens;
using BenchmarkDotNet.Attributes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Benchmarks.Steps;

/// <summary>Time and allocation of each step of a token request that is a pure function, with nothing around it.</summary>
[MemoryDiagnoser]
public class TokenSteps
{
    private static readonly ScopeSet Registered = ScopeSet.Of("read", "write", "delete", "reports:run");
    private static readonly ImmutableArray<string> Requested = ["write", "read"];
    private static readonly ImmutableArray<string> Audiences = ["http://localhost:8080"];
    private static readonly Dictionary<string, object> Header = new(StringComparer.Ordinal) { ["typ"] = AccessTokenPayload.HeaderType };

    private readonly byte[] _post = Encoding.ASCII.GetBytes(
        $"grant_type=client_credentials&client_id=orders&client_secret={GeneratedSecret.Create(new byte[32])}&scope=read+write");

    private readonly byte[] _form = "grant_type=client_credentials&scope=read+write"u8.ToArray();
    private readonly string _basic = "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"orders:{GeneratedSecret.Create(new byte[32])}"));
    private readonly byte[] _secret = Encoding.ASCII.GetBytes(GeneratedSecret.Create(new byte[32]));
    private readonly byte[] _digest = new byte[32];
    private readonly RateLimit _limit = new(1_000_000, 10_000_000);
    private readonly ArrayBufferWriter<byte> _buffer = new(4_096);
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _key = new(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "key" }, SecurityAlgorithms.EcdsaSha256);
    private readonly string _token = new('a', 600);
    private readonly string _payloadJson = Payload.ToJson();
    private TimeSpan _now = TimeSpan.FromHours(1);
    private TheoreticalArrival _arrival;

    private static AccessTokenPayload Payload { get; } = new()
    {
        Issuer = "http://localhost:8080",
        ClientId = "orders",
        Audiences = Audiences,
        Scope = "read write",
        IssuedAt = 1_800_000_000,
        ExpiresAt = 1_800_003_600,
        TokenId = "AAAAAAAAAAAAAAAAAAAAAA",
        Generation = 1L << 50,
    };

    [Benchmark]
    public bool Parse_a_form_with_credentials() => TokenRequestParser.Parse(new FormInput
    {
        Body = _post,
        ContentType = "application/x-www-form-urlencoded",
        Authorization = [],
        QueryString = [],
    }).Error is null;

    [Benchmark]
    public bool Parse_a_form_with_Basic() => TokenRequestParser.Parse(new FormInput
    {
        Body = _form,
        ContentType = "application/x-www-form-urlencoded",
        Authorization = [_basic],
        QueryString = [],
    }).Error is null;

    [Benchmark]
    public int Digest_the_secret() => SHA256.HashData(_secret, _digest);

    [Benchmark]
    public ScopeSet? Grant_scopes() => ScopeSet.TryGrant(Registered, Registered, Requested, out var granted) ? granted : null;

    [Benchmark]
    public bool Decide_by_the_rate_limit()
    {
        _now += TimeSpan.FromTicks(10);
        var decision = _limit.Decide(_now, _arrival);
        _arrival = decision.NewTheoreticalArrival;
        return decision.Allowed;
    }

    [Benchmark]
    public string Write_the_payload() => Payload.ToJson();

    [Benchmark]
    public string Sign() => _handler.CreateToken(_payloadJson, _key, Header);

    [Benchmark]
    public int Write_the_answer()
    {
        _buffer.ResetWrittenCount();
        TokenResponse.Write(_buffer, _token, 3_600, "read write");
        return _buffer.WrittenCount;
    }
}
