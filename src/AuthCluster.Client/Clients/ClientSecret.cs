namespace AuthCluster.Client.Clients;

/// <summary>Reads the client's secret from where the options say, afresh each time: that is what makes rotation without a restart work.</summary>
internal static class ClientSecret
{
    /// <summary>Longest secret file that is read, in bytes: a wrong path must not load a disk image.</summary>
    private const int MaxFileBytes = 4096;

    /// <exception cref="AuthClusterException">The secret can't be read. The message names its source, never its content.</exception>
    public static async ValueTask<string> ReadAsync(AuthClusterTokenOptions options, CancellationToken cancellationToken)
    {
        var secret = options switch
        {
            { SecretReader: { } read } => await ReadWithAsync(read, cancellationToken),
            { ClientSecretFile: { Length: > 0 } file } => await ReadFileAsync(file, cancellationToken),
            _ => options.ClientSecret,
        };
        return string.IsNullOrEmpty(secret) ? throw new AuthClusterException(AuthClusterError.Misconfigured, "The client secret is empty.") : secret;
    }

    private static async ValueTask<string> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            if (new FileInfo(path).Length > MaxFileBytes)
                throw new AuthClusterException(AuthClusterError.Misconfigured, $"The client secret's file '{path}' is larger than {MaxFileBytes} bytes.");
            return (await File.ReadAllTextAsync(path, cancellationToken)).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is not AuthClusterException && !cancellationToken.IsCancellationRequested)
        {
            throw new AuthClusterException(AuthClusterError.Misconfigured, $"The client secret's file '{path}' can't be read.", innerException: e);
        }
    }

    private static async ValueTask<string> ReadWithAsync(Func<CancellationToken, ValueTask<string>> read, CancellationToken cancellationToken)
    {
        try
        {
            // The application's reader may ignore the token; the call still ends in time.
            return await read(cancellationToken).AsTask().WaitAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested) // the application's own code: anything may come
        {
            throw new AuthClusterException(AuthClusterError.Misconfigured, "The application's own reader of the client secret failed.", innerException: e);
        }
    }
}
