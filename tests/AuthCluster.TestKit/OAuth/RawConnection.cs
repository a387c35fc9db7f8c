using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>An answer as it came over the wire: the status line, the header lines in their order, the body.</summary>
public sealed record RawAnswer(string StatusLine, IReadOnlyList<string> HeaderLines, string Body)
{
    /// <summary>The status code.</summary>
    public int Status => int.Parse(StatusLine.Split(' ')[1], CultureInfo.InvariantCulture);

    /// <summary>All of it but the Date header, as one text that can be compared byte for byte.</summary>
    public string WithoutDate =>
        string.Join('\n', [StatusLine, .. HeaderLines.Where(line => !line.StartsWith("Date:", StringComparison.OrdinalIgnoreCase)), "", Body]);

    /// <summary>The value of a header, or null.</summary>
    public string? Header(string name) => HeaderLines
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim())
        .FirstOrDefault();
}

/// <summary>A TCP connection on which a test writes the bytes that it wants, for requests that no HTTP client would send.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly TcpClient _tcp;
    private readonly NetworkStream _stream;
    private readonly List<byte> _pending = [];

    private RawConnection(TcpClient tcp)
    {
        _tcp = tcp;
        _stream = tcp.GetStream();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Connects.</summary>
    public static async Task<RawConnection> OpenAsync(Uri server)
    {
        ArgumentNullException.ThrowIfNull(server);
        var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(server.Host, server.Port, Cancellation);
        return new RawConnection(tcp);
    }

    /// <summary>Connects, sends, reads one answer and closes.</summary>
    public static async Task<RawAnswer> ExchangeAsync(Uri server, string request)
    {
        using var connection = await OpenAsync(server);
        try
        {
            await connection.WriteAsync(request);
        }
        catch (IOException)
        {
            // The server answered after the head and closed the connection. The test still reads that answer.
        }

        return await connection.ReadAnswerAsync();
    }

    /// <summary>A token request with this form and these further header lines.</summary>
    public static string TokenRequest(string form, params string[] headers)
    {
        ArgumentNullException.ThrowIfNull(form);
        string[] lines =
        [
            "POST /oauth/token HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/x-www-form-urlencoded",
            $"Content-Length: {Encoding.Latin1.GetByteCount(form)}",
            .. headers,
            "",
            form,
        ];
        return string.Join("\r\n", lines);
    }

    /// <summary>Writes text, one byte a character (Latin-1).</summary>
    public async Task WriteAsync(string text) => await _stream.WriteAsync(Encoding.Latin1.GetBytes(text), Cancellation);

    /// <summary>Tells the server that no more bytes will come.</summary>
    public void EndOfRequest() => _tcp.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Drops the connection with a reset.</summary>
    public void Reset()
    {
        _tcp.LingerState = new LingerOption(enable: true, seconds: 0);
        _tcp.Close();
    }

    /// <summary>Reads one answer; informational ones (100 Continue) are answers of their own.</summary>
    public async Task<RawAnswer> ReadAnswerAsync()
    {
        var head = (await ReadToAsync("\r\n\r\n")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var answer = new RawAnswer(head[0], head[1..], "");
        if (answer.Status is < 200 or 204 or 304)
        {
            return answer;
        }

        if (string.Equals(answer.Header("Transfer-Encoding"), "chunked", StringComparison.OrdinalIgnoreCase))
        {
            return answer with { Body = await ReadChunksAsync() };
        }

        return answer with
        {
            Body = answer.Header("Content-Length") is { } length
                ? await ReadExactlyAsync(int.Parse(length, CultureInfo.InvariantCulture))
                : await ReadToEndAsync(),
        };
    }

    /// <summary>Waits until the server closes its side or sends bytes; true if it closed its side.</summary>
    public async Task<bool> IsClosedByServerAsync()
    {
        try
        {
            return _pending.Count == 0 && !await FillAsync();
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Reads all that comes until the server closes.</summary>
    public async Task<string> ReadToEndAsync()
    {
        try
        {
            while (await FillAsync())
            {
            }
        }
        catch (IOException)
        {
            // A reset ends the stream as well as a close; what came before it counts.
        }

        return Take(_pending.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Dispose();
        _tcp.Dispose();
    }

    private async Task<string> ReadChunksAsync()
    {
        var body = new StringBuilder();
        while (true)
        {
            var size = int.Parse((await ReadToAsync("\r\n")).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Append(await ReadExactlyAsync(size));
            await ReadToAsync("\r\n");
            if (size == 0)
            {
                return body.ToString();
            }
        }
    }

    private async Task<string> ReadToAsync(string end)
    {
        while (true)
        {
            var at = Encoding.Latin1.GetString([.. _pending]).IndexOf(end, StringComparison.Ordinal);
            if (at >= 0)
            {
                return Take(at + end.Length);
            }

            await FillOrThrowAsync();
        }
    }

    private async Task<string> ReadExactlyAsync(int count)
    {
        while (_pending.Count < count)
        {
            await FillOrThrowAsync();
        }

        return Take(count);
    }

    private async Task FillOrThrowAsync()
    {
        if (!await FillAsync())
        {
            throw new EndOfStreamException($"The server closed the connection after: {Take(_pending.Count)}");
        }
    }

    private async Task<bool> FillAsync()
    {
        var buffer = new byte[16_384];
        var read = await _stream.ReadAsync(buffer, Cancellation);
        _pending.AddRange(buffer.AsSpan(0, read));
        return read > 0;
    }

    private string Take(int count)
    {
        var text = Encoding.Latin1.GetString([.. _pending[..count]]);
        _pending.RemoveRange(0, count);
        return text;
    }
}
