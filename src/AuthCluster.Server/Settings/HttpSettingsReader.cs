using System.Net;

namespace AuthCluster.Server.Settings;

/// <summary>Reads and checks where the process listens, and which proxies it trusts.</summary>
internal static class HttpSettingsReader
{
    /// <summary>The default URL of the public listener, and the default issuer.</summary>
    public const string DefaultUrl = "http://localhost:8080";

    public static HttpSettings Read(SettingsReader reader, IConfiguration configuration, bool isDevelopment)
    {
        var proxies = new List<IPNetwork>();
        foreach (var text in reader.List("Http:TrustedProxies"))
        {
            if (IPNetwork.TryParse(text, out var network))
            {
                proxies.Add(network);
            }
            else
            {
                reader.Error("Http:TrustedProxies", $"has '{text}'; each must be a network such as 10.0.0.0/8.");
            }
        }

        if (configuration.GetSection("Kestrel:Endpoints").GetChildren().Any())
        {
            // Kestrel would listen on these endpoints, and nothing here checks them.
            reader.ErrorElsewhere("Kestrel:Endpoints", "is set; say where to listen by ASPNETCORE_URLS and AuthCluster:Http:ManagementUrls, and name a certificate by Kestrel:Certificates:Default.");
        }

        var urls = Urls(configuration);
        foreach (var url in urls.Where(url => !TryBind(url, out _)))
        {
            reader.ErrorElsewhere("ASPNETCORE_URLS", "has what is no address to listen on; each must be http or https, a host and a port, such as http://localhost:8080, without a user name and a path.");
        }

        var management = reader.List("Http:ManagementUrls");
        foreach (var url in management)
        {
            if (!TryBind(url, out var binding) || binding.Port == 0)
            {
                reader.Error("Http:ManagementUrls", "has what is no address to listen on; each must be http or https, a host and a port, such as http://localhost:9090, without a user name and a path.");
            }
            else if (urls.Any(u => TryBind(u, out var other) && other.Port == binding.Port))
            {
                reader.Error("Http:ManagementUrls", $"has '{url}', whose port is the public listener's; use another port.");
            }
        }

        if (isDevelopment)
        {
            const string OnlyLoopback = "but Development listens on loopback only; use localhost, or start as Production.";
            foreach (var url in urls.Where(IsBeyondLoopback))
            {
                reader.ErrorElsewhere("ASPNETCORE_URLS", $"has '{url}', {OnlyLoopback}");
            }

            foreach (var url in management.Where(IsBeyondLoopback))
            {
                reader.Error("Http:ManagementUrls", $"has '{url}', {OnlyLoopback}");
            }
        }

        return new HttpSettings(
            proxies,
            reader.Duration("Http:DrainDelay", isDevelopment ? TimeSpan.Zero : TimeSpan.FromSeconds(5), TimeSpan.Zero, TimeSpan.FromMinutes(5)),
            urls,
            management);
    }

    private static bool IsBeyondLoopback(string url) => TryBind(url, out var binding) && !LoopbackHost.Is(binding.Host);

    private static List<string> Urls(IConfiguration configuration)
    {
        if (configuration["urls"] is { Length: > 0 } urls)
        {
            return [.. urls.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        }

        var ports = (configuration["http_ports"] ?? "")
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(port => $"http://*:{port}")
            .ToList();
        return ports.Count > 0 ? ports : [DefaultUrl];
    }

    private static bool TryBind(string url, out (string Host, int Port) binding)
    {
        binding = default;
        try
        {
            var address = BindingAddress.Parse(url);
            binding = (address.Host, address.Port);
            return (address.Scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase) || address.Scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase))
                && address.Port is >= 0 and <= IPEndPoint.MaxPort
                && address.PathBase.Length == 0
                && !address.Host.AsSpan().ContainsAny(" @?#\\");
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
