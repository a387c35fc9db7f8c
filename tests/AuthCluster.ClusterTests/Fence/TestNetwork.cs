using System.Net;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>
/// Hosts on a network of the test's own: network namespaces, joined by a router that drops what a test tells it to drop. This host reaches all of
/// them, and they reach this host.
/// </summary>
internal sealed class TestNetwork : IAsyncDisposable
{
    private readonly string _name = $"ac{Environment.ProcessId}";
    private readonly string _net = $"10.{64 + (Environment.ProcessId % 128)}";
    private readonly int _hosts;
    private readonly List<string[]> _cuts = [];

    private TestNetwork(int hosts) => _hosts = hosts;

    /// <summary>This host's own address on the network.</summary>
    public IPAddress Here => IPAddress.Parse($"{_net}.255.1");

    /// <summary>Makes one. The test is skipped where namespaces can't be made, and fails in CI where only the tools are missing.</summary>
    public static async Task<TestNetwork> CreateAsync(int hosts)
    {
        await RequiredTool.NeedAsync("iproute2", "ip", "-V");
        await RequiredTool.NeedAsync("util-linux", "nsenter", "-V");
        var network = new TestNetwork(hosts);
        if ((await Command.RunAsync("ip", "netns", "add", network._name)).ExitCode != 0)
        {
            Assert.Skip("This test makes network namespaces, which needs root and the capabilities SYS_ADMIN and NET_ADMIN.");
        }

        // A test run that is cut short must not leave namespaces behind.
        AppDomain.CurrentDomain.ProcessExit += network.OnProcessExit;
        try
        {
            await network.JoinAsync();
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>The address of a host.</summary>
    public IPAddress AddressOf(int host) => IPAddress.Parse($"{_net}.{host}.2");

    /// <summary>The command line that precedes a program's own and runs it on a host.</summary>
    public IReadOnlyList<string> EnterOf(int host) => ["nsenter", $"--net=/run/netns/{_name}-{host}"];

    /// <summary>Drops, without a word, what one host sends to another.</summary>
    public async Task CutAsync(int from, int to)
    {
        string[] rule = ["from", $"{AddressOf(from)}", "to", $"{AddressOf(to)}", "blackhole"];
        _cuts.Add(rule);
        await RunAsync(["ip", "-n", _name, "rule", "add", .. rule]);
    }

    /// <summary>Drops nothing any more.</summary>
    public async Task HealAsync()
    {
        foreach (var rule in _cuts)
        {
            await RunAsync(["ip", "-n", _name, "rule", "del", .. rule]);
        }

        _cuts.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        foreach (var space in Namespaces)
        {
            await Command.RunAsync("ip", "netns", "del", space);
        }
    }

    private IEnumerable<string> Namespaces => [_name, .. Enumerable.Range(0, _hosts).Select(host => $"{_name}-{host}")];

    private async Task JoinAsync()
    {
        await RunAsync("ip", "link", "add", _name, "type", "veth", "peer", "name", "here", "netns", _name);
        await RunAsync("ip", "addr", "add", $"{Here}/30", "dev", _name);
        await RunAsync("ip", "link", "set", _name, "up");
        await RunAsync("ip", "-n", _name, "addr", "add", $"{_net}.255.2/30", "dev", "here");
        await RunAsync("ip", "-n", _name, "link", "set", "here", "up");
        await RunAsync("nsenter", $"--net=/run/netns/{_name}", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
        await RunAsync("ip", "route", "add", $"{_net}.0.0/16", "via", $"{_net}.255.2");
        for (var host = 0; host < _hosts; host++)
        {
            var space = $"{_name}-{host}";
            await RunAsync("ip", "netns", "add", space);
            await RunAsync("ip", "-n", _name, "link", "add", $"host{host}", "type", "veth", "peer", "name", "net", "netns", space);
            await RunAsync("ip", "-n", _name, "addr", "add", $"{_net}.{host}.1/30", "dev", $"host{host}");
            await RunAsync("ip", "-n", _name, "link", "set", $"host{host}", "up");
            await RunAsync("ip", "-n", space, "addr", "add", $"{AddressOf(host)}/30", "dev", "net");
            await RunAsync("ip", "-n", space, "link", "set", "net", "up");
            await RunAsync("ip", "-n", space, "link", "set", "lo", "up");
            await RunAsync("ip", "-n", space, "route", "add", "default", "via", $"{_net}.{host}.1");
        }
    }

    private static async Task RunAsync(params string[] words) => (await Command.RunAsync(words[0], words[1..])).OutputOrThrow();

    private void OnProcessExit(object? sender, EventArgs e) => DisposeAsync().AsTask().GetAwaiter().GetResult();
}
