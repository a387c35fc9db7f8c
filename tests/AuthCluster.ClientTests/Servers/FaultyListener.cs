using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace AuthCluster.ClientTests.Servers;

/// <summary>The connections of a server, which serves as usual or meets every request with one fault.</summary>
internal sealed class FaultyListener
{
    /// <summary>The faults.</summary>
    public static readonly IReadOnlyList<string> Faults =
    [
        "never answers", "is reset", "closes without an answer", "trickles its body", "trickles its header", "endless body", "endless 100 Continue",
        "HTML", "407 page", "empty object", "array", "null", "empty 200", "204", "half a document", "502 page", "503 with Retry-After 1", "redirect to itself", "redirect elsewhere",
        "Content-Length too long", "Content-Length too short", "broken chunk", "huge header", "not HTTP",
    ];

    private readonly ConcurrentDictionary<ConnectionContext, bool> _connections = new();
    private volatile string? _fault;
    private int _faulted;

    /// <summary>How many requests have met the fault; over HTTP/1.1 each has a connection of its own.</summary>
    public int Faulted => Volatile.Read(ref _faulted);

    /// <summary>Where the fault "redirect elsewhere" leads.</summary>
    public string Elsewhere { get; set; } = "http://127.0.0.1:9";

    /// <summary>Gives every connection the fault, or none for null; open connections are cut.</summary>
    public void Break(string? fault)
    {
        _fault = fault;
        foreach (var connection in _connections.Keys)
            connection.Abort();
    }

    public ConnectionDelegate Attach(ConnectionDelegate next) => async connection =>
    {
        _connections[connection] = true;
        try
        {
            if (_fault is not { } fault)
            {
                await next(connection);
                return;
            }

            if (FaultyHttp2.Faults.Contains(fault))
            {
                await FaultyHttp2.MeetAsync(connection, fault, () => Interlocked.Increment(ref _faulted));
                return;
            }

            Interlocked.Increment(ref _faulted);
            await MeetAsync(connection, fault);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or InvalidOperationException)
        {
            // The client has gone.
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    };

    private async Task MeetAsync(ConnectionContext connection, string fault)
    {
        if (fault == "is reset")
        {
            connection.Abort();
            return;
        }

        var path = await ReadRequestAsync(connection);
        var answer = fault switch
        {
            "HTML" => Answer("200 OK", "text/html", "<html>please log in</html>"),
            "empty object" => Answer("200 OK", "application/json", "{}"),
            "array" => Answer("200 OK", "application/json", "[]"),
            "null" => Answer("200 OK", "application/json", "null"),
            "empty 200" => Answer("200 OK", "application/json", ""),
            "204" => "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            "half a document" => Answer("200 OK", "application/json", "{\"access_token\":\"abc\",\"token_type\":\"Bear"),
            "502 page" => Answer("502 Bad Gateway", "text/html", "<html>502</html>"),
            "503 with Retry-After 1" => Answer("503 Service Unavailable", "application/json", "{\"error\":\"temporarily_unavailable\"}", "Retry-After: 1\r\n"),
            "407 page" => Answer("407 Proxy Authentication Required", "text/html", "<html>407</html>", "Proxy-Authenticate: Basic realm=\"proxy\"\r\n"),
            "redirect to itself" => Answer("307 Temporary Redirect", "text/plain", "", $"Location: {path}\r\n"),
            "redirect elsewhere" => Answer("307 Temporary Redirect", "text/plain", "", $"Location: {Elsewhere}{path}\r\n"),
            "Content-Length too long" => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n{}",
            "Content-Length too short" => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{\"active\":true,\"items\":[],\"next\":\"1\"}",
            "broken chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n{}\r\n",
            "huge header" => $"HTTP/1.1 200 OK\r\nX-Page: {new string('x', 200_000)}\r\nConnection: close\r\n\r\n",
            "not HTTP" => "SSH-2.0-OpenSSH_9.2\r\n",
            "trickles its body" => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{",
            "trickles its header" => "HTTP/1.1 200 OK\r\nX-Slow: ",
            "endless body" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            _ => "",
        };
        await WriteAsync(connection, answer);
        await (fault switch
        {
            "never answers" => Task.Delay(Timeout.Infinite, connection.ConnectionClosed),
            "trickles its body" => RepeatAsync(connection, " ", TimeSpan.FromMilliseconds(20)),
            "trickles its header" => RepeatAsync(connection, "a", TimeSpan.FromMilliseconds(20)),
            "endless body" => RepeatAsync(connection, "1000\r\n" + new string(' ', 0x1000) + "\r\n", TimeSpan.FromMilliseconds(20)),
            "endless 100 Continue" => RepeatAsync(connection, "HTTP/1.1 100 Continue\r\n\r\n", TimeSpan.FromMilliseconds(20)),
            _ => Task.CompletedTask,
        });
    }

    private static string Answer(string status, string type, string body, string more = "") =>
        $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n{more}Connection: close\r\n\r\n{body}";

    /// <summary>The path of the request, once its header is there.</summary>
    private static async Task<string> ReadRequestAsync(ConnectionContext connection)
    {
        while (true)
        {
            var read = await connection.Transport.Input.ReadAsync(connection.ConnectionClosed);
            var text = Encoding.ASCII.GetString(read.Buffer.ToArray());
            if (text.Contains("\r\n\r\n", StringComparison.Ordinal) || read.IsCompleted)
            {
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
                return text.Split(' ') is [_, var target, ..] ? target : "/";
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static async Task RepeatAsync(ConnectionContext connection, string text, TimeSpan every)
    {
        while (!connection.ConnectionClosed.IsCancellationRequested)
        {
            await WriteAsync(connection, text);
            await Task.Delay(every, connection.ConnectionClosed);
        }
    }

    private static async Task WriteAsync(ConnectionContext connection, string text) =>
        await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes(text), connection.ConnectionClosed);
}
