using System.Net;
using System.Net.Sockets;
using AuthCluster.Server.Settings;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Tries every address that the process is to listen on, before anything is made or started: Orleans would share
/// a silo port with another process without a word, and Kestrel finds its port taken when the silo runs already.
/// </summary>
internal static class ListenerCheck
{
    /// <exception cref="StartupException">An address can't be listened on; one sentence for each.</exception>
    public static void Require(ServerSettings settings)
    {
        var problems = new List<string>();
        foreach (var url in settings.Http.Urls)
        {
            Try("ASPNETCORE_URLS", url, problems);
        }

        foreach (var url in settings.Http.ManagementUrls)
        {
            Try("AuthCluster:Http:ManagementUrls", url, problems);
        }

        if (settings.HasSilo)
        {
            Try("AuthCluster:Cluster:SiloPort", settings.Cluster.Address, settings.Cluster.SiloPort, problems);
            Try("AuthCluster:Cluster:GatewayPort", settings.Cluster.Address, settings.Cluster.GatewayPort, problems);
        }

        if (problems.Count > 0)
        {
            throw new StartupException(problems);
        }
    }

    private static void Try(string key, string url, List<string> problems)
    {
        var address = BindingAddress.Parse(url);
        var host = address.Host.Trim('[', ']');
        if (address.IsUnixPipe || address.IsNamedPipe || address.Port == 0)
        {
            return;
        }

        // What is no address and not localhost Kestrel takes for every address of the machine.
        var ip = host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
            : IPAddress.TryParse(host, out var parsed) ? parsed
            : IPAddress.Any;
        Try(key, ip, address.Port, problems);
    }

    private static void Try(string key, IPAddress address, int port, List<string> problems)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
        }
        catch (SocketException e)
        {
            var reason = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "another process listens there; stop that one, or take another port",
                SocketError.AddressNotAvailable => "this machine does not have that address; take one of its own, or localhost",
                SocketError.AccessDenied => "this user may not listen there; take a port above 1023",
                _ => $"the system refuses it ({e.SocketErrorCode}); take another address",
            };
            problems.Add($"{key} asks to listen on {new IPEndPoint(address, port)}, but {reason}.");
        }
    }
}
