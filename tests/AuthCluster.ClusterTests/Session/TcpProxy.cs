using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Session;

/// <summary>What a <see cref="TcpProxy"/> does with what passes through it.</summary>
public enum ProxyMode
{
    /// <summary>Passes everything on.</summary>
    Forward,

    /// <summary>Passes every answer on two seconds late.</summary>
    Slow,

    /// <summary>Resets open connections, and accepts no new ones.</summary>
    Refuse,

    /// <summary>Keeps open connections, accepts new ones, and passes nothing on, like a network that drops every packet.</summary>
    Blackhole,
}

/// <summary>Stands between servers and their database, and misbehaves as told.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private static readonly TimeSpan SlowBy = TimeSpan.FromSeconds(2);

    private readonly string _host;
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly List<Task> _pumps = [];
    private TcpListener _listener;
    private Task _accepting;
    private volatile ProxyMode _mode;

    /// <summary>One before a database's server.</summary>
    /// <param name="target">The database.</param>
    /// <param name="address">Where to listen; on loopback by default.</param>
    public TcpProxy(TestDatabase target, IPAddress? address = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        Address = address ?? IPAddress.Loopback;
        (_host, _port) = (target.Host, target.Port);
        _listener = Listen();
        _accepting = AcceptAsync(_listener);
    }

    /// <summary>Where it listens.</summary>
    public IPAddress Address { get; }

    /// <summary>The port that it listens on.</summary>
    public int Port { get; } = FreePorts.Take();

    /// <summary>What it does from now on, with open connections too.</summary>
    public void Set(ProxyMode mode)
    {
        var before = _mode;
        _mode = mode;
        if (mode == ProxyMode.Refuse)
        {
            _listener.Stop();
            CloseAll();
        }
        else if (before == ProxyMode.Refuse)
        {
            _listener = Listen();
            _accepting = AcceptAsync(_listener);
        }
        else if (before == ProxyMode.Blackhole)
        {
            // Bytes that were swallowed are lost, so these connections are useless. Closing them tells the peers.
            CloseAll();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        CloseAll();
        await _accepting;
        await Task.WhenAll(_pumps);
        _stop.Dispose();
    }

    private TcpListener Listen()
    {
        var listener = new TcpListener(Address, Port);
        listener.Start();
        return listener;
    }

    private void CloseAll()
    {
        foreach (var socket in _open.Keys)
        {
            try
            {
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Its pump has closed it meanwhile.
            }

            socket.Dispose();
            _open.TryRemove(socket, out _);
        }
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                return;
            }

            _open[client] = 0;
            _pumps.Add(ConnectAsync(client));
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _open[server] = 0;
        try
        {
            await server.ConnectAsync(_host, _port, _stop.Token);
            await Task.WhenAny(PumpAsync(client, server, isAnswer: false), PumpAsync(server, client, isAnswer: true));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The database is down, or the proxy closed this one.
        }
        finally
        {
            client.Dispose();
            server.Dispose();
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[16_384];
        try
        {
            while (true)
            {
                var read = await from.ReceiveAsync(buffer, _stop.Token);
                if (read == 0)
                {
                    return;
                }

                if (_mode == ProxyMode.Blackhole)
                {
                    continue;
                }

                if (_mode == ProxyMode.Slow && isAnswer)
                {
                    await Task.Delay(SlowBy, _stop.Token);
                }

                await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side closed.
        }
    }
}
