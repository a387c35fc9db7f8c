using System.Net;
using System.Net.NetworkInformation;
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
        var listeners = Listeners(settings).ToList();
        for (var i = 0; i < listeners.Count; i++)
        {
            var (key, endpoint) = listeners[i];
            if (listeners[..i].Find(other => Overlap(other.Endpoint, endpoint)) is { Key: { } taken })
            {
                problems.Add($"{key} asks to listen on {endpoint}, which {taken} asks for already; give each a port of its own.");
            }
            else
            {
                Try(key, endpoint, problems);
            }
        }

        if (problems.Count > 0)
        {
            throw new StartupException(problems);
        }
    }

    private static IEnumerable<(string Key, IPEndPoint Endpoint)> Listeners(ServerSettings settings)
    {
        (string, IPEndPoint)[] silo = !settings.HasSilo ? [] :
        [
            ("AuthCluster:Cluster:SiloPort", new IPEndPoint(settings.Cluster.Address, settings.Cluster.SiloPort)),
            ("AuthCluster:Cluster:GatewayPort", new IPEndPoint(settings.Cluster.Address, settings.Cluster.GatewayPort)),
        ];
        return
        [
            .. settings.Http.Urls.Select(EndpointOf).OfType<IPEndPoint>().Select(endpoint => ("ASPNETCORE_URLS", endpoint)),
            .. settings.Http.ManagementUrls.Select(EndpointOf).OfType<IPEndPoint>().Select(endpoint => ("AuthCluster:Http:ManagementUrls", endpoint)),
            .. silo,
        ];
    }

    private static IPEndPoint? EndpointOf(string url)
    {
        var address = BindingAddress.Parse(url);
        if (address.IsUnixPipe || address.IsNamedPipe || address.Port == 0)
        {
            return null;
        }

        // What is no address and not localhost Kestrel takes for every address of the machine.
        var host = address.Host.Trim('[', ']');
        var ip = host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
            : IPAddress.TryParse(host, out var parsed) ? parsed
            : IPAddress.Any;
        return new IPEndPoint(ip, address.Port);
    }

    private static bool Overlap(IPEndPoint one, IPEndPoint other) =>
        one.Port == other.Port && (one.Address.Equals(other.Address) || IsAny(one.Address) || IsAny(other.Address));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static void Try(string key, IPEndPoint endpoint, List<string> problems)
    {
        using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endpoint);
        }
        catch (SocketException e)
        {
            var reason = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse when IsListenedOn(endpoint.Port) => "another process listens there; stop that one, or take another port",
                SocketError.AddressAlreadyInUse => "a connection of this machine has that port, or had it within the last minute; wait a minute, or take another port",
                SocketError.AddressNotAvailable => "this machine does not have that address; take one of its own, or localhost",
                SocketError.AccessDenied => "this user may not listen there; take a port above 1023",
                _ => $"the system refuses it ({e.SocketErrorCode}); take another address",
            };
            problems.Add($"{key} asks to listen on {endpoint}, but {reason}.");
        }
    }

    private static bool IsListenedOn(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == port);
}
