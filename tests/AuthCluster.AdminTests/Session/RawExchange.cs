using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AuthCluster.AdminTests.Session;

/// <summary>Sends exactly the bytes of a test, which an HTTP client would correct, and reads one answer.</summary>
internal static class RawExchange
{
    /// <summary>Sends a request with these lines and no body, and reads the first answer, which may be an informational one (100 Continue).</summary>
    public static async Task<(int Status, string Head, string Body)> SendAsync(Uri server, params string[] lines)
    {
        using var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
        var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Join("\r\n", [.. lines, $"Host: {server.Authority}", "", ""])), TestContext.Current.CancellationToken);
        var received = new StringBuilder();
        var buffer = new byte[8_192];
        while (!IsWhole(received.ToString()))
        {
            var count = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
            if (count == 0)
            {
                break;
            }

            received.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        var text = received.ToString();
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return (int.Parse(text.Split(' ')[1], CultureInfo.InvariantCulture), text[..end], text[(end + 4)..]);
    }

    /// <summary>The value of a header; null for none.</summary>
    public static string? Header(string head, string name) => head.Split("\r\n")
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim())
        .FirstOrDefault();

    private static bool IsWhole(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end >= 0 && text.Length - end - 4 >= int.Parse(Header(text[..end], "Content-Length") ?? "0", CultureInfo.InvariantCulture);
    }
}
