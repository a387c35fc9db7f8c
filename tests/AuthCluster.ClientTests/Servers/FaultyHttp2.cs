using System.Buffers.Binary;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace AuthCluster.ClientTests.Servers;

/// <summary>The faults that only an HTTP/2 server can have (RFC 9113), written by hand, because no real server sends all of them.</summary>
internal static class FaultyHttp2
{
    /// <summary>The faults.</summary>
    public static readonly IReadOnlyList<string> Faults =
    [
        "HTTP/2 never answers", "HTTP/2 RST_STREAM", "HTTP/2 REFUSED_STREAM", "HTTP/2 RST_STREAM in the body", "HTTP/2 GOAWAY before the stream", "HTTP/2 GOAWAY after the stream",
        "HTTP/2 trickles its body", "HTTP/2 without an end", "HTTP/2 broken frame",
    ];

    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, GoAway = 7;
    private const byte Acknowledgement = 1, EndOfHeaders = 4;
    private const int Preface = 24, FrameHeader = 9;

    /// <summary>Serves a connection until the client ends it.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="fault">The fault that each request meets.</param>
    /// <param name="arrived">Called for each request.</param>
    public static async Task MeetAsync(ConnectionContext connection, string fault, Action arrived)
    {
        await using var stream = connection.Transport.Input.AsStream();
        await stream.ReadExactlyAsync(new byte[Preface], connection.ConnectionClosed);
        await WriteAsync(connection, Settings, 0, 0, []);
        var head = new byte[FrameHeader];
        while (true)
        {
            await stream.ReadExactlyAsync(head, connection.ConnectionClosed);
            await stream.ReadExactlyAsync(new byte[(head[0] << 16) | (head[1] << 8) | head[2]], connection.ConnectionClosed);
            var (type, flags, id) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)));
            if (type == Settings && (flags & Acknowledgement) == 0)
                await WriteAsync(connection, Settings, Acknowledgement, 0, []);
            if (type != Headers)
                continue;
            arrived();
            if (await AnswerAsync(connection, fault, id))
                return;
        }
    }

    /// <summary>Answers a request; true when the connection ends with the answer.</summary>
    private static async Task<bool> AnswerAsync(ConnectionContext connection, string fault, int id)
    {
        switch (fault)
        {
            case "HTTP/2 RST_STREAM":
                await WriteAsync(connection, Reset, 0, id, Number(2)); // INTERNAL_ERROR
                return false;
            case "HTTP/2 REFUSED_STREAM":
                await WriteAsync(connection, Reset, 0, id, Number(7));
                return false;
            case "HTTP/2 RST_STREAM in the body":
                await BeginAsync(connection, id);
                await WriteAsync(connection, Reset, 0, id, Number(8)); // CANCEL
                return false;
            case "HTTP/2 GOAWAY before the stream": // the client may send it again elsewhere
                await WriteAsync(connection, GoAway, 0, 0, [.. Number(0), .. Number(0)]);
                return true;
            case "HTTP/2 GOAWAY after the stream":
                await WriteAsync(connection, GoAway, 0, 0, [.. Number(id), .. Number(2)]);
                return true;
            case "HTTP/2 without an end":
                await BeginAsync(connection, id);
                return false;
            case "HTTP/2 trickles its body":
                await BeginAsync(connection, id);
                while (true)
                {
                    await WriteAsync(connection, Data, 0, id, " "u8.ToArray());
                    await Task.Delay(TimeSpan.FromMilliseconds(20), connection.ConnectionClosed);
                }

            case "HTTP/2 broken frame":
                await WriteAsync(connection, Headers, EndOfHeaders, id, "no headers"u8.ToArray());
                return false;
            default:
                return false;
        }
    }

    /// <summary>A header with status 200 (RFC 7541, App. A: index 8) and the first byte of a body.</summary>
    private static async Task BeginAsync(ConnectionContext connection, int id)
    {
        await WriteAsync(connection, Headers, EndOfHeaders, id, [0x88]);
        await WriteAsync(connection, Data, 0, id, Encoding.ASCII.GetBytes("{"));
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static async Task WriteAsync(ConnectionContext connection, byte type, byte flags, int id, byte[] payload)
    {
        var length = payload.Length;
        await connection.Transport.Output.WriteAsync(
            (byte[])[(byte)(length >> 16), (byte)(length >> 8), (byte)length, type, flags, .. Number(id), .. payload], connection.ConnectionClosed);
    }
}
