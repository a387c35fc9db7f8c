using System.Net.Http.Headers;
using System.Text.Json;
using AuthCluster.Client.Clients;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Client.AspNetCore.Keys;

/// <summary>
/// The issuer's metadata and keys. Stands in for JwtBearer's own manager, which reads them every 12 hours and goes on
/// accepting removed keys as "last known good" for an hour.
/// </summary>
/// <remarks>
/// Read at first use, then in the background. A token with an unknown key makes them be read at once and is then checked again, so a new key works
/// from its first token on. While the issuer is down the last keys stay in use, for a day at most: by then
/// every token that it had issued has expired.
/// </remarks>
internal sealed partial class IssuerKeys : BaseConfigurationManager, IConfigurationManager<OpenIdConnectConfiguration>
{
    /// <summary>An attacker can send any number of unknown key ids, so each must not cost the issuer a request.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(5);

    /// <summary>The longest Retry-After that is respected: a token with a new key waits for the reading.</summary>
    private static readonly TimeSpan MaxAsked = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(1);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);
    private const int MaxDocumentBytes = 1_048_576;

    private readonly AuthClusterJwtOptions _options;
    private readonly IHttpClientFactory _http;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private Known? _known;
    private Task? _reading;
    private Pause? _pause;
    private volatile bool _isBehind;

    /// <summary>
    /// Whether the present request has met an unknown key. Only that request waits for the reading, and no other request clears the flag.
    /// </summary>
    private readonly AsyncLocal<bool> _wanted = new();

    public IssuerKeys(AuthClusterJwtOptions options, IHttpClientFactory http, TimeProvider clock, ILogger<IssuerKeys> logger)
    {
        _options = options;
        _http = http;
        _clock = clock;
        _logger = logger;
        MetadataAddress = ServerAddress.MetadataOf(options.Issuer).ToString();
        UseLastKnownGoodConfiguration = false;
    }

    /// <summary>Whether the last reading failed: an unknown key may then be a new one.</summary>
    public bool IsBehind => _isBehind;

    /// <summary>Makes sure that there are keys; false when there are none and none can be read.</summary>
    public async Task<bool> TryLoadAsync(CancellationToken cancellationToken)
    {
        if (Usable() is null)
            await ReadOnceAsync().WaitAsync(cancellationToken);
        return Usable() is not null;
    }

    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel)
    {
        var known = Usable();
        if (known is null || _wanted.Value)
            await ReadOnceAsync().WaitAsync(cancel);
        else if (_clock.GetElapsedTime(known.ReadAt) >= _options.KeyRefresh)
            _ = ReadOnceAsync(); // its failures are logged there and not thrown

        return Usable()?.Document ?? throw new InvalidOperationException($"The keys of {_options.Issuer} could not be read.");
    }

    public override async Task<BaseConfiguration> GetBaseConfigurationAsync(CancellationToken cancel) => await GetConfigurationAsync(cancel);

    /// <summary>Called by the token handler for a key that is not known, which then asks for the configuration again.</summary>
    public override void RequestRefresh() => _wanted.Value = true;

    private Known? Usable() => Volatile.Read(ref _known) is { } known && _clock.GetElapsedTime(known.ReadAt) < MaxAge ? known : null;

    /// <summary>
    /// Reads, one reading at a time; not within <see cref="MinInterval"/> of the last start, nor before the time that the server named.
    /// </summary>
    private Task ReadOnceAsync()
    {
        lock (_gate)
        {
            if (_reading is { IsCompleted: false })
                return _reading;
            if (_pause?.HasEnded(_clock) == false)
                return Task.CompletedTask;
            _pause = Pause.Of(MinInterval, _clock);
            using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
                return _reading = Task.Run(ReadAsync);
        }
    }

    private async Task ReadAsync()
    {
        var startedAt = _clock.GetTimestamp();
        using var timeout = new CancellationTokenSource(RequestTimeout, _clock);
        try
        {
            using var client = _http.CreateClient(AuthClusterJwtOptions.KeysHttpClient);
            client.MaxResponseContentBufferSize = MaxDocumentBytes;
            var document = await ReadAsync(client, timeout.Token);
            _isBehind = document is null;
            if (document is null)
                return;
            Volatile.Write(ref _known, new Known(document, startedAt));
            LogRead(document.SigningKeys.Count);
        }
#pragma warning disable CA1031 // Handlers, proxies and parsers throw what they like; whoever waits here goes on with the last keys, or with none.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _isBehind = true;
            LogUnreadable(e, _options.Issuer);
        }
    }

    /// <summary>The metadata with the keys, or null when they are not to be used; the reason has been logged.</summary>
    private async Task<OpenIdConnectConfiguration?> ReadAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var metadata = JsonDocument.Parse(await GetAsync(client, new Uri(MetadataAddress), cancellationToken));
        var document = new OpenIdConnectConfiguration { Issuer = Member(metadata, "issuer"), JwksUri = Member(metadata, "jwks_uri") };
        if (document.Issuer != _options.Issuer)
        {
            LogOtherIssuer(MetadataAddress, _options.Issuer);
            return null;
        }

        if (!Uri.TryCreate(document.JwksUri, UriKind.Absolute, out var address) || !ServerAddress.MayCarrySecrets(address, _options.AllowPlainHttp))
        {
            LogNoKeysAddress(MetadataAddress);
            return null;
        }

        using var keys = JsonDocument.Parse(await GetAsync(client, address, cancellationToken));
        if (keys.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty("keys", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            LogNoKeySet(address);
            return null;
        }

        foreach (var key in list.EnumerateArray().SelectMany(SigningKeysOf))
            document.SigningKeys.Add(key);
        // Accept an empty key set, since the issuer may publish none. Reject a set in which no key can be read.
        if (document.SigningKeys.Count > 0 || list.GetArrayLength() == 0)
            return document;
        LogNoKeySet(address);
        return null;
    }

    /// <summary>The key; empty when it can't be used. Such a key is ignored, and the others stay usable (RFC 7517 §5).</summary>
    private IList<SecurityKey> SigningKeysOf(JsonElement json)
    {
        try
        {
            var set = new JsonWebKeySet();
            if (json.ValueKind == JsonValueKind.Object)
                set.Keys.Add(new JsonWebKey(json.GetRawText()));
            return set.GetSigningKeys();
        }
#pragma warning disable CA1031 // The library says of no method what it throws for a key that it can't read.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogUnusableKey(e.GetType().Name, _options.Issuer);
            return [];
        }
    }

    /// <summary>A member that is a text, or null. The metadata have members that no key needs, and those may be of any form.</summary>
    private static string? Member(JsonDocument document, string name) =>
        document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;

    private async Task<string> GetAsync(HttpClient client, Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        OwnRequest.Mark(request);
        // A cache between must not hand out keys that the issuer has withdrawn.
        request.Headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        using var response = await client.SendAsync(request, cancellationToken);
        if (RetryAfter.Of(response, _clock) is { } asked && asked > MinInterval)
            _pause = Pause.Of(Pause.Spread(Pause.Smaller(asked, MaxAsked)), _clock);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    [LoggerMessage(1280, LogLevel.Debug, "The issuer's keys have been read: {Count}")]
    private partial void LogRead(int count);

    [LoggerMessage(1281, LogLevel.Warning, "The keys of {Issuer} can't be read; going on with the last ones, if there are any")]
    private partial void LogUnreadable(Exception exception, string issuer);

    [LoggerMessage(1282, LogLevel.Error, "The metadata at {Address} is of another issuer than the configured {Issuer}")]
    private partial void LogOtherIssuer(string address, string issuer);

    [LoggerMessage(1283, LogLevel.Error, "The metadata at {Address} names no jwks_uri that may be used")]
    private partial void LogNoKeysAddress(string address);

    [LoggerMessage(1284, LogLevel.Error, "What {Address} answers is not a set of keys that sign")]
    private partial void LogNoKeySet(Uri address);

    [LoggerMessage(1285, LogLevel.Warning, "A key of {Issuer} can't be read ({Error}) and is passed over")]
    private partial void LogUnusableKey(string error, string issuer);

    private sealed record Known(OpenIdConnectConfiguration Document, long ReadAt);
}
