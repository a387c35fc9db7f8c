using System.Security.Cryptography;
using AuthCluster.Protocol.Keys;
using AuthCluster.Server.Settings;

namespace AuthCluster.Server.Startup;

/// <summary>The generated key-encryption key of an embedded installation: a file in the data folder that only its owner can read.</summary>
internal static class EncryptionKeyFile
{
    public const string Name = "key-encryption.key";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads the key, or creates one when the database holds nothing yet that was encrypted under a key.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="mayCreate">False when the database holds keys already: a new key-encryption key could not decrypt them.</param>
    /// <exception cref="StartupException">The file is missing, can't be read or written, or does not hold a key.</exception>
    public static byte[] ReadOrCreate(string folder, bool mayCreate)
    {
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path))
        {
            if (!mayCreate)
            {
                throw new StartupException($"The key-encryption key '{path}' is missing, but the keys in the database were encrypted under it; restore the file from a backup.");
            }

            try
            {
                Create(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StartupException($"The key-encryption key '{path}' can't be written ({e.Message.TrimEnd('.')}); give AuthCluster:DataDirectory a folder that this user may write to, on a disk that is not full.");
            }
        }

        try
        {
            var key = Convert.FromBase64String(File.ReadAllText(path).Trim());
            return key.Length == KeyWrap.KeyBytes ? key : throw new FormatException();
        }
        catch (FormatException)
        {
            throw new StartupException($"The key-encryption key '{path}' is not base64 of 32 bytes; restore the file from a backup.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The key-encryption key '{path}' can't be read by this user; give it to the user that runs the server, mode 0600.");
        }
    }

    /// <summary>Writes the whole key under another name first, so that a crash does not leave half a key.</summary>
    private static void Create(string path)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(temporary, options))
        using (var writer = new StreamWriter(file))
        {
            writer.WriteLine(Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyWrap.KeyBytes)));
            writer.Flush();
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path);
    }
}
