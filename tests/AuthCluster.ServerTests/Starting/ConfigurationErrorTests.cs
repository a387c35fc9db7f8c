using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AuthCluster.ServerKit;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Starting;

/// <summary>A bad value stops the start: one clear sentence that names the key, exit code 1, and nothing that could be a secret.</summary>
/// <remarks>What only a process shows of a refused start is in <c>AuthCluster.EndToEndTests</c>.</remarks>
public sealed class ConfigurationErrorTests
{
    private const string Key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    private const string Postgres = "Host=127.0.0.1;Port=1;Username=none;Database=none;Password=hidden-password";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The key that the sentence must name, and the settings.</summary>
    public static TheoryData<string, string[]> BadSettings { get; } = new()
    {
        { "AuthCluster:Issuer", ["AuthCluster:Issuer=nonsense"] },
        { "AuthCluster:Issuer", ["AuthCluster:Issuer=ftp://localhost"] },
        { "AuthCluster:Issuer", ["AuthCluster:Issuer=http://auth.example.com"] },
        { "AuthCluster:Issuer", ["AuthCluster:Issuer=https://auth.example.com/?a=b"] },
        { "AuthCluster:Issuer", ["AuthCluster:Issuer=https://auth.example.com/#f"] },
        { "AuthCluster:Role", ["AuthCluster:Role=Everything"] },
        { "AuthCluster:Storage:Provider", ["AuthCluster:Storage:Provider=Oracle"] },
        { "AuthCluster:Storage:MigrateOnStart", ["AuthCluster:Storage:MigrateOnStart=perhaps"] },
        { "AuthCluster:Storage:ConnectionString", ["AuthCluster:Storage:Provider=PostgreSql", "AuthCluster:Keys:EncryptionKey=" + Key, "AuthCluster:Cluster:AllowPlaintext=true"] },
        { "AuthCluster:Storage:ConnectionString", ["AuthCluster:Storage:ConnectionString=hidden-password"] },
        { "AuthCluster:Cluster:Mode", ["AuthCluster:Cluster:Mode=Gossip"] },
        { "AuthCluster:Cluster:Mode", ["AuthCluster:Cluster:Mode=Localhost", "AuthCluster:Storage:Provider=PostgreSql", "AuthCluster:Storage:ConnectionString=" + Postgres, "AuthCluster:Keys:EncryptionKey=" + Key] },
        { "AuthCluster:Cluster:SiloPort", ["AuthCluster:Cluster:SiloPort=70000"] },
        { "AuthCluster:Cluster:SiloPort", ["AuthCluster:Cluster:SiloPort=first"] },
        { "AuthCluster:Cluster:GatewayPort", ["AuthCluster:Cluster:GatewayPort=-1"] },
        { "AuthCluster:Cluster:GatewayPort", ["AuthCluster:Cluster:SiloPort=15999", "AuthCluster:Cluster:GatewayPort=15999"] },
        { "AuthCluster:Cluster:AdvertisedAddress", ["AuthCluster:Cluster:AdvertisedAddress=nowhere"] },
        { "AuthCluster:Cluster:AdvertisedAddress", ["AuthCluster:Cluster:AdvertisedAddress=192.0.2.1", "AuthCluster:Cluster:AllowPlaintext=true"] },
        { "AuthCluster:Cluster:AllowPlaintext", ["AuthCluster:Storage:Provider=PostgreSql", "AuthCluster:Storage:ConnectionString=" + Postgres, "AuthCluster:Keys:EncryptionKey=" + Key, "AuthCluster:Cluster:AdvertisedAddress=192.0.2.1"] },
        { "AuthCluster:Cluster:OutageGrace", ["AuthCluster:Cluster:OutageGrace=10"] },
        { "AuthCluster:Cluster:OutageGrace", ["AuthCluster:Cluster:OutageGrace=-00:00:01"] },
        { "AuthCluster:Cluster:OutageGrace", ["AuthCluster:Cluster:OutageGrace=1.00:00:01"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=3600"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=00:00:30"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=2.00:00:00"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=one hour"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=25:00:00"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=0.25:00:00"] },
        { "AuthCluster:Tokens:Lifetime", ["AuthCluster:Tokens:Lifetime=01:60:00"] },
        { "AuthCluster:Tokens:Algorithm", ["AuthCluster:Tokens:Algorithm=HS256"] },
        { "AuthCluster:Tokens:Algorithm", ["AuthCluster:Tokens:Algorithm=none"] },
        { "AuthCluster:Tokens:DefaultAudience", ["AuthCluster:Tokens:DefaultAudience=two words"] },
        { "AuthCluster:Keys:EncryptionKey", ["AuthCluster:Keys:EncryptionKey=hidden-password"] },
        { "AuthCluster:Keys:EncryptionKey", ["AuthCluster:Keys:EncryptionKey=aGlkZGVuLXBhc3N3b3Jk"] },
        { "AuthCluster:Keys:EncryptionKey", ["AuthCluster:Storage:Provider=PostgreSql", "AuthCluster:Storage:ConnectionString=" + Postgres, "AuthCluster:Cluster:AllowPlaintext=true"] },
        { "AuthCluster:Keys:EncryptionKeyFile", ["AuthCluster:Keys:EncryptionKeyFile=/nowhere/key"] },
        { "AuthCluster:Keys:EncryptionKeyFile", ["AuthCluster:Keys:EncryptionKeyFile=/dev/null"] },
        { "AuthCluster:Keys:EncryptionKey", ["AuthCluster:Keys:EncryptionKey=" + Key, "AuthCluster:Keys:EncryptionKeyFile=/nowhere/key"] },
        { "AuthCluster:Keys:RotationInterval", ["AuthCluster:Keys:RotationInterval=00:30:00"] },
        { "AuthCluster:Keys:RotationInterval", ["AuthCluster:Keys:RotationInterval=90"] },
        { "AuthCluster:Keys:PublishAhead", ["AuthCluster:Keys:PublishAhead=00:01:00"] },
        { "AuthCluster:Keys:PublishAhead", ["AuthCluster:Keys:PublishAhead=02:00:00", "AuthCluster:Keys:RotationInterval=01:00:00"] },
        { "AuthCluster:Usage:KeepHours", ["AuthCluster:Usage:KeepHours=0"] },
        { "AuthCluster:Usage:KeepHours", ["AuthCluster:Usage:KeepHours=a month"] },
        { "AuthCluster:Usage:KeepHours", ["AuthCluster:Usage:KeepHours=1.12:00:00"] },
        { "AuthCluster:Usage:KeepDays", ["AuthCluster:Usage:KeepDays=36501"] },
        { "AuthCluster:Usage:KeepDays", ["AuthCluster:Usage:KeepHours=30.00:00:00", "AuthCluster:Usage:KeepDays=29"] },
        { "AuthCluster:Bootstrap:AdminClientSecret", ["AuthCluster:Bootstrap:AdminClientId=root"] },
        { "AuthCluster:Bootstrap:AdminClientId", ["AuthCluster:Bootstrap:AdminClientSecret=hidden-password-0123456789"] },
        { "AuthCluster:Bootstrap:AdminClientId", ["AuthCluster:Bootstrap:AdminClientId=two words", "AuthCluster:Bootstrap:AdminClientSecret=hidden-password-0123456789"] },
        { "AuthCluster:Bootstrap:AdminClientId", ["AuthCluster:Bootstrap:AdminClientId=acs_root", "AuthCluster:Bootstrap:AdminClientSecret=hidden-password-0123456789"] },
        { "AuthCluster:Bootstrap:AdminClientSecret", ["AuthCluster:Bootstrap:AdminClientId=root", "AuthCluster:Bootstrap:AdminClientSecret=hidden"] },
        { "AuthCluster:Bootstrap:AdminClientSecretFile", ["AuthCluster:Bootstrap:AdminClientId=root", "AuthCluster:Bootstrap:AdminClientSecretFile=/nowhere/secret"] },
        { "AuthCluster:Bootstrap:ClientsFile", ["AuthCluster:Bootstrap:ClientsFile=/nowhere/clients.json"] },
        { "AuthCluster:Bootstrap:ClientsFile", ["AuthCluster:Bootstrap:ClientsFile=/dev/null"] },
        { "AuthCluster:Http:TrustedProxies", ["AuthCluster:Http:TrustedProxies=everybody"] },
        { "AuthCluster:Http:DrainDelay", ["AuthCluster:Http:DrainDelay=5"] },
        { "AuthCluster:Http:DrainDelay", ["AuthCluster:Http:DrainDelay=00:06:00"] },
        { "AuthCluster:Http:ManagementUrls", ["AuthCluster:Http:ManagementUrls=nonsense"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=nonsense"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://localhost:99999"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=ftp://localhost:15990"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://user:hidden@localhost:15990"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://localhost:15990/path"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://localhost:15990;http://127.0.0.1:15990"] },
        { "AuthCluster:Cluster:SiloPort", ["ASPNETCORE_URLS=http://localhost:15990", "AuthCluster:Cluster:SiloPort=15990"] },
        { "Kestrel:Certificates:Default", ["ASPNETCORE_URLS=https://localhost:15990", "Kestrel:Certificates:Default:Path=/nowhere/certificate.pem"] },
        { "Kestrel:Certificates:Default", ["ASPNETCORE_URLS=https://localhost:15990"] },
        { "Kestrel:Certificates:Default", ["ASPNETCORE_URLS=https://localhost:15990", "Kestrel:Certificates:Default:Subject=nobody.example"] },
        { "Kestrel:Certificates:Default", ["ASPNETCORE_URLS=https://localhost:15990", "Kestrel:Certificates:Default:Subject=nobody.example", "Kestrel:Certificates:Default:Store=nowhere"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://localhost:0"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://*:15990;http://[::1]:15990"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://localhost:15990;http://[::1]:15990"] },
        { "AuthCluster:Cluster:ClusterId", ["AuthCluster:Cluster:ClusterId=   "] },
        { "AuthCluster:Cluster:ServiceId", ["AuthCluster:Cluster:ServiceId=\t"] },
        { "AuthCluster:DataDirectory", ["AuthCluster:DataDirectory=/tmp/with\u0001control"] },
        { "AuthCluster:DataDirectory", ["AuthCluster:DataDirectory=  "] },
        { "AuthCluster:DataDirectory", ["AuthCluster:DataDirectory=/proc/nowhere"] },
        { "Logging:LogLevel:Default", ["Logging:LogLevel:Default=99"] },
        { "Logging:Console:FormatterName", ["Logging:Console:FormatterName=pretty"] },
        { "OTEL_EXPORTER_OTLP_ENDPOINT", ["OTEL_EXPORTER_OTLP_ENDPOINT=nonsense"] },
        { "ASPNETCORE_URLS", ["ASPNETCORE_URLS=http://192.0.2.1:8080"] },
        { "ASPNETCORE_URLS has", ["DOTNET_ENVIRONMENT=Development", "ASPNETCORE_URLS=http://0.0.0.0:15997"] },
        { "AuthCluster:Http:ManagementUrls has", ["DOTNET_ENVIRONMENT=Development", "AuthCluster:Http:ManagementUrls=http://0.0.0.0:15996"] },
        { "Kestrel:Endpoints", ["Kestrel:Endpoints:More:Url=http://127.0.0.1:15998"] },
        { "Logging:LogLevel:Default", ["Logging:LogLevel:Default=Bogus"] },
        { "AuthCluster:DataDirectory", ["AuthCluster:DataDirectory=/dev/null/data"] },
    };

    [Theory]
    [MemberData(nameof(BadSettings))]
    public async Task A_bad_value_stops_the_start_with_a_sentence_that_names_its_key(string key, string[] settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        await using var server = new InProcessServer();
        foreach (var setting in settings)
        {
            var at = setting.IndexOf('=', StringComparison.Ordinal);
            server[setting[..at]] = setting[(at + 1)..];
        }

        await StopsNamingAsync(server, key);
    }

    [Fact]
    public async Task A_certificate_without_its_private_key_stops_the_start()
    {
        await using var server = new InProcessServer();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var whole = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        using var withoutKey = X509CertificateLoader.LoadCertificate(whole.Export(X509ContentType.Cert));
        var path = server.WriteFile("certificate.pfx", "");
        await File.WriteAllBytesAsync(path, withoutKey.Export(X509ContentType.Pkcs12), Cancellation);
        server["ASPNETCORE_URLS"] = "https://localhost:15990";
        server["Kestrel:Certificates:Default:Path"] = path;

        await StopsNamingAsync(server, "Kestrel:Certificates:Default");
    }

    public static TheoryData<string, string> BadClientsFiles { get; } = new()
    {
        { "no JSON", "hidden-password" },
        { "no array", """{ "clientId": "a" }""" },
        { "an unknown member", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "colour": "red" } ]""" },
        { "a short secret", """[ { "clientId": "a", "secret": "hidden-password" } ]""" },
        { "a secret with a line break", """[ { "clientId": "a", "secret": "hidden-password\n0123456789" } ]""" },
        { "the same id twice", """[ { "clientId": "a", "secret": "hidden-password-0123456789" }, { "clientId": "a", "secret": "hidden-password-0123456789" } ]""" },
        { "a repeated member", """[ { "clientId": "a", "clientId": "b", "secret": "hidden-password-0123456789" } ]""" },
        { "an id outside the grammar", """[ { "clientId": "a b", "secret": "hidden-password-0123456789" } ]""" },
        { "an id that looks like a secret", """[ { "clientId": "acs_b", "secret": "hidden-password-0123456789" } ]""" },
        { "an unknown grant", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "grantTypes": ["password"] } ]""" },
        { "an unknown scope of ours", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "scopes": ["authcluster:everything"] } ]""" },
        { "a scope outside the grammar", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "scopes": ["two words"] } ]""" },
        { "a default scope that is no scope of its", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "scopes": ["x"], "defaultScopes": ["y"] } ]""" },
        { "an audience with a fragment", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "audiences": ["https://x.example/#f"] } ]""" },
        { "a claim of the server's own", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "claims": { "iss": "me" } } ]""" },
        { "a claim that is null", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "claims": { "x": null } } ]""" },
        { "a lifetime out of bounds", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "tokenLifetimeSeconds": 59 } ]""" },
        { "no authentication method", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "authMethods": [] } ]""" },
        { "a limit of nothing", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "rateLimit": { "tokensPerSecond": 0 } } ]""" },
        { "a quota for a week", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "quota": { "tokens": 1, "per": "week" } } ]""" },
        { "a secret beside a hash", """[ { "clientId": "a", "secret": "hidden-password-0123456789", "secretHash": "x" } ]""" },
        { "a comment", """[ /* hidden-password */ ]""" },
    };

    [Theory]
    [MemberData(nameof(BadClientsFiles))]
    public async Task A_bad_clients_file_stops_the_start(string fault, string file)
    {
        Assert.NotEmpty(fault);
        await using var server = new InProcessServer();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", file);

        await StopsNamingAsync(server, "AuthCluster:Bootstrap:ClientsFile");
    }

    [Fact]
    public async Task A_database_that_another_key_encrypted_stops_the_start()
    {
        await using var server = new InProcessServer { ["AuthCluster:Keys:EncryptionKey"] = Key };
        await server.StartAsync(Cancellation);
        await server.StopAsync(Cancellation);

        server["AuthCluster:Keys:EncryptionKey"] = "YW5vdGhlciBrZXkgb2YgZXhhY3RseSAzMiBieXRlcyE=";

        await StopsNamingAsync(server, "AuthCluster:Keys:EncryptionKey");
    }

    [Theory]
    [InlineData("ASPNETCORE_URLS", "ASPNETCORE_URLS", "http://localhost:{0}")]
    [InlineData("AuthCluster:Http:ManagementUrls", "AuthCluster:Http:ManagementUrls", "http://localhost:{0}")]
    [InlineData("AuthCluster:Cluster:SiloPort", "AuthCluster:Cluster:SiloPort", "{0}")]
    [InlineData("AuthCluster:Cluster:GatewayPort", "AuthCluster:Cluster:GatewayPort", "{0}")]
    public async Task A_port_that_another_process_listens_on_stops_the_start(string named, string key, string form)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await using var server = new InProcessServer
        {
            [key] = string.Format(CultureInfo.InvariantCulture, form, ((IPEndPoint)other.LocalEndpoint).Port),
        };

        await StopsNamingAsync(server, named);
        Assert.False(Directory.Exists(server.DataDirectory));
    }

    [Fact]
    public async Task A_port_that_an_outgoing_connection_uses_is_not_blamed_on_another_listener()
    {
        using var peer = new TcpListener(IPAddress.Loopback, 0);
        peer.Start();
        using var outgoing = new TcpClient(AddressFamily.InterNetwork);
        await outgoing.ConnectAsync((IPEndPoint)peer.LocalEndpoint, Cancellation);
        await using var server = new InProcessServer { ["ASPNETCORE_URLS"] = $"http://localhost:{((IPEndPoint)outgoing.Client.LocalEndPoint!).Port}" };

        await StopsNamingAsync(server, "ASPNETCORE_URLS");

        Assert.DoesNotContain("another process listens there", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_folder_whose_name_has_special_characters_of_a_connection_string_is_used()
    {
        await using var server = new InProcessServer();
        server["AuthCluster:DataDirectory"] = Path.Combine(server.DataDirectory, "it's; \"odd\" = yes");

        await server.StartAsync(Cancellation);

        Assert.True(File.Exists(Path.Combine(server["AuthCluster:DataDirectory"]!, "authcluster.db")));
    }

    [Fact]
    public async Task A_file_that_is_no_database_stops_the_start_and_is_left_as_it_is()
    {
        await using var server = new InProcessServer();
        Directory.CreateDirectory(server.DataDirectory);
        var file = Path.Combine(server.DataDirectory, "authcluster.db");
        var text = string.Join('\n', Enumerable.Repeat("a letter to my mother", 1_000));
        await File.WriteAllTextAsync(file, text, Cancellation);
        await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, "key-encryption.key"), Key, Cancellation);

        await StopsNamingAsync(server, "AuthCluster:Storage:ConnectionString");
        Assert.Equal(text, await File.ReadAllTextAsync(file, Cancellation));
    }

    [Fact]
    public async Task Twenty_four_hours_mean_one_day_and_not_24_days_and_a_usage_period_may_be_a_plain_number_of_days()
    {
        await using var server = new InProcessServer
        {
            ["AuthCluster:Tokens:Lifetime"] = "24:00:00",
            ["AuthCluster:Usage:KeepHours"] = "1300",
            ["AuthCluster:Usage:KeepDays"] = "1300.00:00:00",
        };
        var client = new TestClient("orders", GeneratedSecret.New());
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(client)));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);

        var answer = await caller.PostAsync(client);

        Assert.Equal(86_400, answer.Json.GetProperty("expires_in").GetInt32());
    }

    [Fact]
    public async Task An_empty_configuration_value_counts_as_absent()
    {
        await using var server = new InProcessServer
        {
            ["AuthCluster:Tokens:Lifetime"] = "",
            ["AuthCluster:Tokens:Algorithm"] = "",
            ["AuthCluster:Keys:EncryptionKey"] = "",
            ["AuthCluster:Keys:EncryptionKeyFile"] = "",
            ["AuthCluster:Bootstrap:AdminClientId"] = "",
            ["AuthCluster:Bootstrap:ClientsFile"] = "",
            ["AuthCluster:Http:TrustedProxies"] = "",
        };

        await server.StartAsync(Cancellation);
    }

    private static async Task StopsNamingAsync(InProcessServer server, string key)
    {
        var exitCode = await server.RunToExitAsync(Cancellation);

        var printed = server.OutputOfThisRun;
        Assert.True(exitCode == 1, $"exit code {exitCode}: {Installation.Tail(printed)}");
        // The log lines of the database and the migrations before are no part of the answer.
        var lines = printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var sentence = Assert.Single(lines, line => !line.Contains(" info: ", StringComparison.Ordinal));
        Assert.Contains(key, sentence, StringComparison.Ordinal);
        Assert.EndsWith(".", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, sentence, StringComparison.Ordinal);
    }
}
