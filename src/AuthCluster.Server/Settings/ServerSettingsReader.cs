using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using AuthCluster.Grains.Sweeps;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Keys;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Console;

namespace AuthCluster.Server.Settings;

/// <summary>Reads and checks the whole configuration before anything is started.</summary>
internal static class ServerSettingsReader
{
    private const string DefaultUrl = HttpSettingsReader.DefaultUrl;
    private const string Section = "AuthCluster";
    private const int MaxDaysOfUsage = 36_500;

    /// <exception cref="StartupException">Something is wrong; the message has one sentence for each mistake.</exception>
    public static ServerSettings Read(IConfiguration configuration, bool isDevelopment)
    {
        var reader = new SettingsReader(configuration, Section);
        var settings = Read(reader, configuration, isDevelopment);
        return reader.Errors.Count == 0 ? settings : throw new StartupException(reader.Errors);
    }

    /// <summary>
    /// Reads the same configuration for a command, and refuses only mistakes that matter to it: in what names the database, and in the keys
    /// where the command needs them.
    /// </summary>
    /// <exception cref="StartupException">Something that matters to the command is wrong.</exception>
    public static ServerSettings ReadForCommand(IConfiguration configuration, bool isDevelopment, bool needsEncryptionKey)
    {
        var reader = new SettingsReader(configuration, Section);
        var settings = Read(reader, configuration, isDevelopment);
        string[] matters = needsEncryptionKey ? ["DataDirectory", "Storage:", "Keys:"] : ["DataDirectory", "Storage:"];
        var errors = reader.Errors.Where(error => matters.Any(key => error.StartsWith($"{Section}:{key}", StringComparison.Ordinal))).ToList();
        return errors.Count == 0 ? settings : throw new StartupException(errors);
    }

    private static ServerSettings Read(SettingsReader reader, IConfiguration configuration, bool isDevelopment)
    {
        var issuer = ReadIssuer(reader, isDevelopment);
        var role = reader.Choice("Role", ServerRole.All);
        var dataDirectory = ReadDataDirectory(reader);
        var storage = ReadStorage(reader, dataDirectory);
        var settings = new ServerSettings
        {
            IssuerUri = issuer,
            Role = role,
            DataDirectory = dataDirectory,
            Storage = storage,
            Cluster = ReadCluster(reader, storage, isDevelopment),
            Tokens = ReadTokens(reader, issuer.Value),
            Keys = ReadKeys(reader, storage, role),
            Bootstrap = ReadBootstrap(reader),
            Http = HttpSettingsReader.Read(reader, configuration, isDevelopment),
            Usage = ReadUsage(reader),
        };
        if (role != ServerRole.All && !storage.IsShared)
        {
            reader.Error("Role", $"is {role}, but a SQLite file serves one process alone; use All, or a shared database.");
        }

        CheckLogLevels(reader, configuration);
        CheckTelemetry(reader, configuration);
        reader.RefuseUnknown();
        return settings;
    }

    private static string ReadDataDirectory(SettingsReader reader)
    {
        var text = reader.Text("DataDirectory") ?? "data";
        if (!string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl))
        {
            return Path.GetFullPath(text);
        }

        reader.Error("DataDirectory", "is blank or holds a control character; give the path of a folder.");
        return Path.GetFullPath("data");
    }

    private static string ReadClusterName(SettingsReader reader, string key)
    {
        const int MaxLength = 150;
        var text = reader.Text(key) ?? "authcluster";
        if (text.Length > MaxLength || text.Trim().Length != text.Length || text.Any(char.IsControl))
        {
            reader.Error(key, $"must be 1 to {MaxLength} characters, without blanks at its ends and without control characters.");
        }

        return text;
    }

    private static void CheckLogLevels(SettingsReader reader, IConfiguration configuration)
    {
        foreach (var (key, value) in configuration.GetSection("Logging").AsEnumerable())
        {
            if (key.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(value))
            {
                CheckChoice(reader, key, value, Enum.GetNames<LogLevel>());
            }
        }
    }

    private static void CheckTelemetry(SettingsReader reader, IConfiguration configuration)
    {
        const string Formatter = "Logging:Console:FormatterName";
        const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
        if (configuration[Formatter] is { Length: > 0 } formatter)
        {
            CheckChoice(reader, Formatter, formatter, [ConsoleFormatterNames.Simple, ConsoleFormatterNames.Json, ConsoleFormatterNames.Systemd]);
        }

        if (configuration[Endpoint] is { Length: > 0 } endpoint
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)))
        {
            reader.ErrorElsewhere(Endpoint, "is not an http or https URL, such as http://localhost:4317.");
        }
    }

    private static void CheckChoice(SettingsReader reader, string key, string value, IReadOnlyCollection<string> choices)
    {
        if (!choices.Contains(value, StringComparer.OrdinalIgnoreCase))
        {
            reader.ErrorElsewhere(key, $"is '{value}'; it must be one of {string.Join(", ", choices)}.");
        }
    }

    private static IssuerUri ReadIssuer(SettingsReader reader, bool isDevelopment)
    {
        var issuer = reader.Text("Issuer") ?? DefaultUrl;
        if (!IssuerUri.TryParse(issuer, out var parsed, out var problem))
        {
            reader.Error("Issuer", problem + ".");
            return DefaultIssuer();
        }

        if (!isDevelopment && !parsed.IsHttps && !parsed.IsLoopback)
        {
            reader.Error("Issuer", $"is '{issuer}'; in Production it must be an https URL unless it is loopback.");
        }

        return parsed;
    }

    private static IssuerUri DefaultIssuer() =>
        IssuerUri.TryParse(DefaultUrl, out var issuer, out _) ? issuer : throw new InvalidOperationException("The default issuer is no issuer.");

    private static StorageSettings ReadStorage(SettingsReader reader, string dataDirectory)
    {
        var provider = reader.Choice("Storage:Provider", StorageProvider.Sqlite);
        var connection = reader.Secret("Storage:ConnectionString");
        if (connection is null && provider != StorageProvider.Sqlite && !reader.HasErrorOf("Storage:ConnectionString"))
        {
            reader.Error("Storage:ConnectionString", $"is missing; {provider} needs one.");
        }

        return new StorageSettings(
            provider,
            connection ?? new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, "authcluster.db") }.ConnectionString,
            reader.Flag("Storage:MigrateOnStart", true));
    }

    private static ClusterSettings ReadCluster(SettingsReader reader, StorageSettings storage, bool isDevelopment)
    {
        var mode = reader.Choice("Cluster:Mode", storage.IsShared ? ClusterMode.Database : ClusterMode.Localhost);
        if (mode == ClusterMode.Localhost && storage.IsShared)
        {
            reader.Error("Cluster:Mode", $"is Localhost, but with {storage.Provider} several silos may start and would not find each other; use Database.");
        }
        else if (mode == ClusterMode.Database && !storage.IsShared)
        {
            reader.Error("Cluster:Mode", "is Database, but a SQLite file serves one process alone; use Localhost, or a shared database.");
        }

        var allowPlaintext = reader.Flag("Cluster:AllowPlaintext", false);
        foreach (var key in (string[])["Cluster:Tls:CertificateFile", "Cluster:Tls:KeyFile", "Cluster:Tls:CaFile"])
        {
            if (reader.Text(key) is not null)
            {
                reader.Error(key, "is set, but this version can't encrypt silo links yet; keep them on a private network and set AuthCluster:Cluster:AllowPlaintext.");
            }
        }

        var address = ReadAddress(reader, mode, isDevelopment);
        if (!IPAddress.IsLoopback(address) && !allowPlaintext)
        {
            reader.Error("Cluster:AdvertisedAddress", $"is {address}, which is not loopback: who reaches the silo or gateway port can call any grain. Use loopback, or set AuthCluster:Cluster:AllowPlaintext to true on a network that only silos share.");
        }

        var siloPort = reader.Port("Cluster:SiloPort", 11_111);
        var gatewayPort = reader.Port("Cluster:GatewayPort", 30_000);
        if (siloPort == gatewayPort)
        {
            reader.Error("Cluster:GatewayPort", $"is {gatewayPort}, which is the silo port too; give each a port of its own.");
        }

        return new ClusterSettings(
            mode,
            ReadClusterName(reader, "Cluster:ClusterId"),
            ReadClusterName(reader, "Cluster:ServiceId"),
            siloPort,
            gatewayPort,
            address,
            reader.Duration("Cluster:OutageGrace", TimeSpan.FromMinutes(10), TimeSpan.Zero, TimeSpan.FromDays(1)));
    }

    private static IPAddress ReadAddress(SettingsReader reader, ClusterMode mode, bool isDevelopment)
    {
        if (reader.Text("Cluster:AdvertisedAddress") is { } text)
        {
            if (!IPAddress.TryParse(text, out var address))
            {
                reader.Error("Cluster:AdvertisedAddress", $"is '{text}'; it must be an IP address of this machine.");
            }
            else if (mode == ClusterMode.Localhost && !IPAddress.IsLoopback(address))
            {
                reader.Error("Cluster:AdvertisedAddress", $"is {address}, but in the mode Localhost the one silo listens on loopback only; leave it out.");
            }
            else
            {
                return address;
            }

            return IPAddress.Loopback;
        }

        return isDevelopment || mode == ClusterMode.Localhost ? IPAddress.Loopback : FirstOtherAddress() ?? IPAddress.Loopback;
    }

    private static IPAddress? FirstOtherAddress() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(n => n.OperationalStatus == OperationalStatus.Up && n.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork);

    private static TokenSettings ReadTokens(SettingsReader reader, string issuer)
    {
        var audience = reader.Text("Tokens:DefaultAudience") ?? issuer;
        if (!Protocol.Tokens.Audience.IsAcceptable(audience))
        {
            reader.Error("Tokens:DefaultAudience", "must be 1 to 512 printable ASCII characters without spaces, and a URI without a fragment where it is one.");
        }

        return new TokenSettings(
            reader.Duration("Tokens:Lifetime", TimeSpan.FromHours(1), TimeSpan.FromSeconds(ClientDocument.MinTokenLifetimeSeconds), ClientDocument.MaxTokenLifetime),
            reader.Choice("Tokens:Algorithm", "ES256", "ES256", "RS256", "PS256"),
            audience);
    }

    private static KeySettings ReadKeys(SettingsReader reader, StorageSettings storage, ServerRole role)
    {
        var key = ReadKey(reader, "Keys:EncryptionKey");
        if (key is null && storage.IsShared && !reader.HasErrorOf("Keys:EncryptionKey"))
        {
            reader.Error("Keys:EncryptionKey", "is missing; a shared database needs one, the same on every node: base64 of 32 random bytes, as 'openssl rand -base64 32' makes them.");
        }

        var interval = reader.Duration("Keys:RotationInterval", TimeSpan.FromDays(90), TimeSpan.FromHours(1), TimeSpan.FromDays(3_650));
        return new KeySettings(
            key,
            ReadKey(reader, "Keys:PreviousEncryptionKey"),
            interval,
            reader.Duration("Keys:PublishAhead", Min(TimeSpan.FromDays(1), interval), TimeSpan.FromMinutes(10), interval));
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static ReadOnlyMemory<byte>? ReadKey(SettingsReader reader, string key)
    {
        if (reader.Secret(key) is not { } text)
        {
            return null;
        }

        var bytes = new byte[KeyWrap.KeyBytes + 16];
        if (Convert.TryFromBase64String(text.Trim(), bytes, out var length) && length == KeyWrap.KeyBytes)
        {
            return bytes.AsMemory(0, length);
        }

        reader.Error(key, "must be base64 of exactly 32 bytes, as 'openssl rand -base64 32' makes them.");
        return null;
    }

    private static BootstrapSettings ReadBootstrap(SettingsReader reader)
    {
        var id = reader.Text("Bootstrap:AdminClientId");
        var secret = reader.Secret("Bootstrap:AdminClientSecret");
        if (id is not null && !ClientId.TryParse(id, out _))
        {
            reader.Error("Bootstrap:AdminClientId", "must be 1 to 200 printable ASCII characters other than space, '\"', '\\', '<', '>', '%', '#' and '?', not '.' or '..', and must not begin with 'acs_'.");
        }

        if (id is null != secret is null && !reader.HasErrorOf("Bootstrap:AdminClientSecret"))
        {
            reader.Error(
                id is null ? "Bootstrap:AdminClientId" : "Bootstrap:AdminClientSecret",
                "is missing; the admin client needs both an id and a secret.");
        }

        if (secret is not null && !GivenSecret.IsAcceptable(secret))
        {
            reader.Error("Bootstrap:AdminClientSecret", "must have 16 to 256 printable ASCII characters.");
        }

        var file = reader.Text("Bootstrap:ClientsFile");
        if (file is not null && !File.Exists(file))
        {
            reader.Error("Bootstrap:ClientsFile", $"names the file '{file}', which does not exist or can't be read.");
        }

        return new BootstrapSettings(id, secret, file);
    }

    private static UsageRetention ReadUsage(SettingsReader reader)
    {
        var byDefault = new UsageRetention();
        var hours = reader.Days("Usage:KeepHours", (int)byDefault.Hours.TotalDays, 1, MaxDaysOfUsage);
        var days = reader.Days("Usage:KeepDays", Math.Max((int)byDefault.Days.TotalDays, hours), 1, MaxDaysOfUsage);
        if (days < hours)
        {
            reader.Error("Usage:KeepDays", $"is {days}, which is less than AuthCluster:Usage:KeepHours, {hours}; usage is kept by the hour first and then by the day.");
        }

        return new UsageRetention(TimeSpan.FromDays(hours), TimeSpan.FromDays(days));
    }
}
