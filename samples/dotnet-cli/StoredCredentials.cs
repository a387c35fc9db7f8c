using System.Text.Json;

namespace MyCli;

/// <summary>What <c>login</c> keeps: in a file that its owner alone can read.</summary>
internal sealed record StoredCredentials(string Issuer, string ClientId, string ClientSecret)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static string FilePath => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.Create), "my-cli", "credentials.json");

    public static async Task<StoredCredentials?> LoadAsync()
    {
        if (!File.Exists(FilePath))
            return null;
        await using var file = File.OpenRead(FilePath);
        return await JsonSerializer.DeserializeAsync<StoredCredentials>(file);
    }

    /// <summary>The mode is set when the file is made, not afterwards: there is no moment in which others could read it.</summary>
    public async Task SaveAsync()
    {
        var folder = Path.GetDirectoryName(FilePath) ?? ".";
        Directory.CreateDirectory(folder);
        var fresh = Path.Combine(folder, Path.GetRandomFileName());
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        await using (var file = new FileStream(fresh, options))
            await JsonSerializer.SerializeAsync(file, this);
        File.Move(fresh, FilePath, overwrite: true);
    }

    /// <summary>A record prints its members; a secret is none to print.</summary>
    public override string ToString() => $"{ClientId} at {Issuer}";
}
