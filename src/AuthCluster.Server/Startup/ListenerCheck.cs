using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using AuthCluster.Server.Settings;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Tries every address that the process is to listen on, before anything is created or started. Orleans would silently share a silo port
/// with another process, and Kestrel would find its port taken only when the silo runs already.
/// </summary>
internal static class ListenerCheck
{
    /// <exception cref="StartupException">The process can't listen on an address; one sentence for each such address.</exception>
    public static void Require(ServerSettings settings)
    {
        var problems = new List<string>();
        var listeners = Listeners(settings).ToList();
        for (var i = 0; i < listeners.Count; i++)
        {
            if (ProblemOf(listeners[i], listeners[..i]) is { } problem)
            {
                problems.Add(problem);
            }
        }

        if (problems.Count > 0)
        {
            throw new StartupException(problems);
        }
    }

    private static IEnumerable<Listener> Listeners(ServerSettings settings)
    {
        Listener[] silo = !settings.HasSilo ? [] :
        [
            new("AuthCluster:Cluster:SiloPort", [new IPEndPoint(settings.Cluster.Address, settings.Cluster.SiloPort)]),
            new("AuthCluster:Cluster:GatewayPort", [new IPEndPoint(settings.Cluster.Address, settings.Cluster.GatewayPort)]),
        ];
        return
        [
            .. settings.Http.Urls.Select(url => new Listener("ASPNETCORE_URLS", EndpointsOf(url))),
            .. settings.Http.ManagementUrls.Select(url => new Listener("AuthCluster:Http:ManagementUrls", EndpointsOf(url))),
            .. silo,
        ];
    }

    /// <summary>The endpoints on which Kestrel listens for a URL; none for a pipe or a Unix socket, which can't be tried here.</summary>
    private static IPEndPoint[] EndpointsOf(string url)
    {
        var address = BindingAddress.Parse(url);
        if (address.IsUnixPipe || address.IsNamedPipe)
        {
            return [];
        }

        // For any other host name Kestrel listens on every address of the machine, IPv4 and IPv6.
        IPAddress[] addresses = address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? [IPAddress.Loopback, IPAddress.IPv6Loopback]
            : IPAddress.TryParse(address.Host.Trim('[', ']'), out var parsed) ? [parsed]
            : Socket.OSSupportsIPv6 ? [IPAddress.IPv6Any]
            : [IPAddress.Any];
        return [.. addresses.Select(ip => new IPEndPoint(ip, address.Port))];
    }

    private static string? ProblemOf(Listener listener, List<Listener> earlier)
    {
        if (listener.Endpoints is [{ Port: 0 }, _])
        {
            return $"{listener.Key} asks to listen on localhost at a port that the system chooses (0), which would be another for IPv4 and for IPv6; name a port, or take 127.0.0.1 or [::1].";
        }

        foreach (var endpoint in listener.Endpoints.Where(endpoint => endpoint.Port != 0))
        {
            if (earlier.Find(other => Array.Exists(other.Endpoints, taken => Overlap(taken, endpoint))) is { } taken)
            {
                return $"{listener.Key} asks to listen on {endpoint}, which {taken.Key} asks for already; give each a port of its own.";
            }

            // When the machine lacks one of localhost's two addresses, Kestrel listens on the other.
            if (Try(endpoint) is { } error && (error != SocketError.AddressNotAvailable || listener.Endpoints.Length == 1))
            {
                return $"{listener.Key} asks to listen on {endpoint}, but {ReasonOf(error, endpoint)}.";
            }
        }

        return null;
    }

    /// <summary>Whether the process can't listen on both. <c>[::]</c> includes every IPv4 address, for Kestrel and for the system.</summary>
    private static bool Overlap(IPEndPoint one, IPEndPoint other) =>
        one.Port == other.Port
        && (one.Address.Equals(other.Address)
            || one.Address.Equals(IPAddress.IPv6Any)
            || other.Address.Equals(IPAddress.IPv6Any)
            || (one.AddressFamily == other.AddressFamily && (one.Address.Equals(IPAddress.Any) || other.Address.Equals(IPAddress.Any))));

    private static SocketError? Try(IPEndPoint endpoint)
    {
        try
        {
            using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endpoint.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endpoint);
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.AddressFamilyNotSupported ? SocketError.AddressNotAvailable : e.SocketErrorCode;
        }
    }

    private static string ReasonOf(SocketError error, IPEndPoint endpoint) => error switch
    {
        SocketError.AddressAlreadyInUse when IsListenedOn(endpoint.Port) => "another process listens there; stop that one, or take another port",
        SocketError.AddressAlreadyInUse => "a connection of this machine has that port, or had it within the last minute; wait a minute, or take another port",
        SocketError.AddressNotAvailable => "this machine does not have that address; take one of its own, or localhost",
        SocketError.AccessDenied => "this user may not listen there; take a port above 1023",
        _ => $"the system refuses it ({error}); take another address",
    };

    private static bool IsListenedOn(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == port);

    /// <summary>One listener, and the setting that asks for it. Only localhost has two endpoints.</summary>
    private sealed record Listener(string Key, IPEndPoint[] Endpoints);
}
