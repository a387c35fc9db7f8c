using System.Diagnostics;
using System.Globalization;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace AuthCluster.Benchmarks.Fence;

/// <summary>
/// What the readings of the membership cost the database: as many connections as a cluster has silos, each of which reads twice a second on a
/// thread of its own, from a PostgreSQL server of this machine.
/// </summary>
internal static class ReadingsCommand
{
    private const string ClusterId = "authcluster";

    // Linux counts the time of processes in hundredths of a second.
    private const int TicksPerSecond = 100;

    private static readonly TimeSpan ReadEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(20);

    /// <summary>Runs the benchmark for clusters of these sizes.</summary>
    public static async Task<int> RunAsync(params IEnumerable<int> sizes)
    {
        await using var server = await PostgresServer.StartAsync(fsync: true, CancellationToken.None, "max_connections=1000");
        foreach (var silos in sizes)
        {
            await MeasureAsync(server, silos);
        }

        return 0;
    }

    private static async Task MeasureAsync(PostgresServer server, int silos)
    {
        var name = await server.CreateDatabaseAsync(CancellationToken.None);
        await using var database = Database.ForMembership(StorageProvider.PostgreSql, server.ConnectionStringOf(name) + ";Maximum Pool Size=1000");
        await new Migrator(database, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync();
        await server.RunSqlAsync(name, $"""
            insert into key_ring (id, version) values (1, 1);
            insert into generation_floor (id, floor) values (1, 0);
            insert into orleans_membership_version (deployment_id, version, modified_at) values ('{ClusterId}', 0, now());
            insert into orleans_membership
                (deployment_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time, outage_grace_ms)
            select '{ClusterId}', '10.0.' || n / 256 || '.' || n % 256, 11111, 7, 'silo-' || n, 'host-' || n, 3, 30000, now(), now(), 600000
            from generate_series(1, {silos}) n;
            analyze
            """, CancellationToken.None);
        var store = new FenceStore(database, ClusterId);
        var times = new List<double>();
        using var ready = new CountdownEvent(silos);
        using var begin = new ManualResetEventSlim();
        var threads = Enumerable.Range(0, silos).Select(i => new Thread(() => Read(i))).ToList();
        threads.ForEach(thread => thread.Start());
        ready.Wait();
        var used = ProcessorTimeOf(server);
        begin.Set();
        threads.ForEach(thread => thread.Join());
        used = ProcessorTimeOf(server) - used;
        await server.DropDatabaseAsync(name, CancellationToken.None);

        times.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{silos,4} silos: {times.Count / Span.TotalSeconds,6:f0} readings a second; p50 {times[times.Count / 2]:f2} ms, p99 {times[times.Count * 99 / 100]:f2} ms; "
            + $"{used.TotalMilliseconds / Span.TotalSeconds:f0} ms of the database's processor time a second, {used.TotalMilliseconds / times.Count:f2} ms a reading"));

        void Read(int silo)
        {
            using var connection = store.Open();
            store.Read(connection, timeoutSeconds: 5);
            ready.Signal();
            begin.Wait();
            // No two silos began to read at the same moment.
            Thread.Sleep(ReadEvery * silo / silos);
            var mine = new List<double>();
            for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Span;)
            {
                var asked = Stopwatch.GetTimestamp();
                store.Read(connection, timeoutSeconds: 5);
                var took = Stopwatch.GetElapsedTime(asked);
                mine.Add(took.TotalMilliseconds);
                Thread.Sleep(took < ReadEvery ? ReadEvery - took : TimeSpan.Zero);
            }

            lock (times)
            {
                times.AddRange(mine);
            }
        }
    }

    /// <summary>Of the server's processes, one for each connection and some more.</summary>
    private static TimeSpan ProcessorTimeOf(PostgresServer server)
    {
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                // After the name in parentheses: state, parent; user and system time are the 12th and 13th (proc_pid_stat(5)).
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[1] == string.Create(CultureInfo.InvariantCulture, $"{server.ProcessId}"))
                {
                    ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
                }
            }
            catch (IOException)
            {
                // The process has ended.
            }
        }

        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }
}
