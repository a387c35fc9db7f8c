using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AuthCluster.Server.Settings;

namespace AuthCluster.Server.Startup;

/// <summary>Tries the certificate of the https listeners before anything is started: Kestrel finds it bad when the silo runs already.</summary>
internal static class CertificateCheck
{
    private const string Section = "Kestrel:Certificates:Default";

    /// <exception cref="StartupException">There is no certificate where one is needed, or it can't be read.</exception>
    public static void Require(ServerSettings settings, IConfiguration configuration, bool isDevelopment)
    {
        var certificate = configuration.GetSection(Section);
        if (!settings.Http.Urls.Concat(settings.Http.ManagementUrls).Any(url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase)))
        {
            return;
        }

        if (certificate["Path"] is { Length: > 0 } path)
        {
            RequireReadable(path, certificate);
        }
        else if (string.IsNullOrEmpty(certificate["Subject"]) && !isDevelopment)
        {
            // In Development there may be the developer certificate of the SDK.
            throw new StartupException($"{Section} is missing, but there is an https listener; name the certificate's file by {Section}:Path, and :KeyPath or :Password.");
        }
    }

    private static void RequireReadable(string path, IConfigurationSection certificate)
    {
        // As Kestrel does: relative to the content root, which is where the binaries lie.
        path = Path.Combine(AppContext.BaseDirectory, path);
        var keyPath = certificate["KeyPath"] is { Length: > 0 } key ? Path.Combine(AppContext.BaseDirectory, key) : null;
        var password = certificate["Password"];
        try
        {
            using var read = keyPath is null ? X509CertificateLoader.LoadPkcs12FromFile(path, password)
                : string.IsNullOrEmpty(password) ? X509Certificate2.CreateFromPemFile(path, keyPath)
                : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StartupException($"{Section} names the file '{path}', which is no certificate with its key that can be read ({e.GetType().Name}); give a PEM file and its :KeyPath, or a PKCS#12 file and its :Password.");
        }
    }
}
