using System.Net.Sockets;
using AuthCluster.Server.Settings;
using Microsoft.AspNetCore.Connections;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Tries the certificate of the https listeners before anything is started: the server's own Kestrel would find a bad certificate only
/// when the silo runs already. Only Kestrel knows where it looks for a certificate and which it refuses, so the check starts a second
/// Kestrel, which serves nothing.
/// </summary>
internal static class CertificateCheck
{
    private const string Section = "Kestrel:Certificates:Default";

    /// <exception cref="StartupException">There is no certificate where one is needed, or Kestrel can't use it.</exception>
    public static async Task RequireAsync(ServerSettings settings, IConfiguration configuration, bool isDevelopment)
    {
        if (!settings.Http.Urls.Concat(settings.Http.ManagementUrls).Any(url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase)))
        {
            return;
        }

        var certificate = configuration.GetSection(Section);
        if (string.IsNullOrEmpty(certificate["Path"]) && string.IsNullOrEmpty(certificate["Subject"]) && !isDevelopment)
        {
            // In Development there may be the developer certificate of the SDK.
            throw new StartupException($"{Section} is missing, but there is an https listener; name the certificate's file by {Section}:Path, and :KeyPath or :Password.");
        }

        try
        {
            await ListenAsync(configuration);
        }
#pragma warning disable CA1031 // Kestrel throws whatever exception the file, the store or the key causes, and each of them means a bad certificate.
        catch (Exception e) when (e is not (SocketException or IOException { InnerException: AddressInUseException or SocketException }))
#pragma warning restore CA1031
        {
            throw new StartupException(ProblemOf(certificate, e.GetType().Name));
        }
    }

    /// <summary>Listens for a moment on a free port of loopback, with the configuration's certificates and none of its other settings.</summary>
    private static async Task ListenAsync(IConfiguration configuration)
    {
        const string All = "Kestrel:Certificates";
        var certificates = new ConfigurationBuilder().AddInMemoryCollection(configuration.GetSection(All).AsEnumerable(makePathsRelative: true)
            .Select(pair => KeyValuePair.Create($"Certificates:{pair.Key}", pair.Value))).Build();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseUrls("https://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Configure(certificates));
        await using var app = builder.Build();
        await app.StartAsync();
        await app.StopAsync();
    }

    private static string ProblemOf(IConfigurationSection certificate, string reason) =>
        certificate["Path"] is { Length: > 0 } path
            ? $"{Section} names the file '{Path.Combine(AppContext.BaseDirectory, path)}', which is no certificate with its key that can be read ({reason}); give a PEM file and its :KeyPath, or a PKCS#12 file and its :Password."
        : certificate["Subject"] is { Length: > 0 } subject
            ? $"{Section} names the subject '{subject}', of which the store that :Location and :Store name has no valid certificate with its key ({reason}); import one, or name a file by {Section}:Path."
        : $"{Section} is missing, and there is no valid developer certificate of the SDK ({reason}); run 'dotnet dev-certs https', or name the certificate's file by {Section}:Path.";
}
