using System.Collections.Concurrent;
using System.Net;
using System.Text;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Cluster;

/// <summary>One span, as much of it as the tests look at.</summary>
internal sealed record Span(string Trace, string Id, string Parent, string Name, string Source, string Process);

/// <summary>Takes what servers send by OTLP over HTTP, on loopback.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<Span> _spans = new();
    private readonly ConcurrentQueue<string> _bodies = new();
    private readonly Task _running;

    public OtlpCollector()
    {
        Address = $"http://127.0.0.1:{FreePorts.Take()}/";
        _listener.Prefixes.Add(Address);
        _listener.Start();
        _running = RunAsync();
    }

    public string Address { get; }

    public IReadOnlyList<Span> Spans => [.. _spans];

    /// <summary>Whether a text of ASCII was sent, wherever it stood.</summary>
    public bool Received(string text) => _bodies.Any(body => body.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _running;
    }

    private async Task RunAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body, CancellationToken.None);
            if (context.Request.Url!.AbsolutePath == "/v1/traces")
            {
                _bodies.Enqueue(Encoding.Latin1.GetString(body.ToArray()));
                Read(body.ToArray());
            }

            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }

    /// <summary>ExportTraceServiceRequest of opentelemetry-proto: resource spans (1), scope spans (2), spans (2).</summary>
    private void Read(byte[] request)
    {
        foreach (var resource in Messages(request, 1))
        {
            var attributes = Messages(resource, 1).SelectMany(message => Messages(message, 1)).ToDictionary(
                attribute => TextOf(attribute, 1), attribute => Messages(attribute, 2).Select(value => TextOf(value, 1)).FirstOrDefault("?"));
            foreach (var scope in Messages(resource, 2))
            {
                var source = TextOf(Messages(scope, 1).Single(), 1);
                foreach (var span in Messages(scope, 2))
                {
                    _spans.Enqueue(new Span(
                        Hex(span, 1), Hex(span, 2), Hex(span, 4), TextOf(span, 5), source, attributes.GetValueOrDefault("service.instance.id", "")));
                }
            }
        }
    }

    private static string TextOf(ReadOnlyMemory<byte> message, int field) =>
        Messages(message, field).Select(bytes => Encoding.UTF8.GetString(bytes.Span)).FirstOrDefault("");

    private static string Hex(ReadOnlyMemory<byte> message, int field) =>
        Messages(message, field).Select(bytes => Convert.ToHexStringLower(bytes.Span)).FirstOrDefault("");

    /// <summary>The length-delimited values of one field of a protobuf message.</summary>
    private static List<ReadOnlyMemory<byte>> Messages(ReadOnlyMemory<byte> message, int field)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < message.Length;)
        {
            var key = Number(message.Span, ref at);
            switch (key & 7)
            {
                case 0:
                    Number(message.Span, ref at);
                    break;
                case 1:
                    at += sizeof(long);
                    break;
                case 2:
                    var length = (int)Number(message.Span, ref at);
                    if ((int)(key >> 3) == field)
                    {
                        found.Add(message.Slice(at, length));
                    }

                    at += length;
                    break;
                case 5:
                    at += sizeof(int);
                    break;
                default:
                    throw new InvalidDataException($"Wire type {key & 7}.");
            }
        }

        return found;
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = bytes[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }
}
