using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Usage;
using AuthCluster.GrainTests.Clients;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;

namespace AuthCluster.GrainTests.Usage;

/// <summary>What is counted and what of it is stored, with clocks that jump, flushes that fail and clients that go on counting.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class UsageTests(GrainCluster cluster) : IAsyncDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 5, 15, 10, 30, 0, TimeSpan.Zero);

    private readonly TellingClock _clock = new(Start);
    private readonly List<UsageFlusher> _flushers = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _flushers.ForEach(flusher => flusher.Dispose());
        // A test that fails must leave the other tests a database that takes their rows.
        await cluster.ExecuteAsync("drop trigger if exists refuse");
    }

    [Fact]
    public void Counting_allocates_nothing_while_secrets_and_scopes_are_used_in_turn()
    {
        var usage = Book().Open("orders");
        (string SecretId, string Scope)[] pairs = [("old", "read write"), ("new", "read write"), ("new", "read")];
        Count();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1_000; round++)
        {
            Count();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Count()
        {
            foreach (var (secretId, scope) in pairs)
            {
                usage.CountIssued(Start, secretId, scope);
            }
        }
    }

    [Fact]
    public void The_last_uses_of_a_minute_are_reported_once_and_forgotten_when_the_minute_is_over()
    {
        var book = Book();
        var usage = book.Open("orders");
        var scope = CountOne();
        Assert.Equal(3, Assert.Single(book.Take(10)).LastUses.Count);

        book.ForgetMinutesBefore(Start);
        usage.CountIssued(Start, "s", string.Concat("read", ":", "much"));
        Assert.Empty(Assert.Single(book.Take(10)).LastUses);
        Assert.True(IsHeld());

        book.ForgetMinutesBefore(Start.AddMinutes(1));
        Assert.False(IsHeld());
        usage.CountIssued(Start.AddMinutes(1), "s", "read:much");
        Assert.Equal(3, Assert.Single(book.Take(10)).LastUses.Count);
        GC.KeepAlive(usage);

        // A method with its own stack frame, so that no local variable of the test holds the text.
        [MethodImpl(MethodImplOptions.NoInlining)]
        WeakReference CountOne()
        {
            var text = string.Concat("read", ":", "much");
            usage.CountIssued(Start, "s", text);
            return new WeakReference(text);
        }

        bool IsHeld()
        {
            GC.Collect();
            return scope.IsAlive;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Every_secret_and_scope_is_told_with_its_last_minute_however_many_are_used_in_turn(int secrets)
    {
        var book = Book();
        var usage = book.Open("orders");
        for (var minute = 0; minute < 3; minute++)
        {
            for (var use = 0; use < 2 * secrets; use++)
            {
                usage.CountIssued(Start.AddMinutes(minute), $"s{use % secrets}", $"read scope-{use % secrets}");
            }
        }

        var uses = Assert.Single(book.Take(10)).LastUses;

        Assert.Equal(
            Enumerable.Range(0, secrets).SelectMany(n => new[] { $"secret s{n}", $"scope scope-{n}" }).Concat(["client ", "scope read"]).Order(StringComparer.Ordinal),
            uses.Select(use => $"{use.Kind} {use.Value}").Order(StringComparer.Ordinal));
        Assert.All(uses, use => Assert.Equal(Start.AddMinutes(2), use.UsedAt));
        Assert.Equal(Start.AddMinutes(2), usage.LastUsedAt);
    }

    [Fact]
    public async Task Whatever_the_clock_does_and_whichever_flushes_fail_each_count_is_stored_once_in_its_hour()
    {
        for (var seed = 0; seed < 25; seed++)
        {
            var random = new Random(seed);
            var id = $"jumping-{seed}";
            var book = Book();
            var flusher = Flusher(book);
            var usage = book.Open(id);
            var counted = new Dictionary<(DateTimeOffset Hour, string Outcome), long>();
            for (var step = 0; step < 40; step++)
            {
                _clock.Now += TimeSpan.FromMinutes(random.Next(-200, 201));
                for (var count = random.Next(5); count > 0; count--)
                {
                    usage.CountIssued(_clock.Now, "s", "read");
                    Add(HourlyUsageRecord.Issued);
                }

                usage.CountRefused(_clock.Now, Refusal.WrongSecret);
                Add(nameof(Refusal.WrongSecret));
                await FlushAsync(flusher, random.Next(4));
            }

            await flusher.FlushAsync(Cancellation);

            var stored = await new UsageStore(cluster.Database).ReadAsync(id, Start.AddDays(-30), Start.AddDays(30), Cancellation);
            Assert.Equal(counted, stored.ToDictionary(row => (row.Hour, row.Outcome), row => row.Count));

            void Add(string outcome)
            {
                var key = (new DateTimeOffset(_clock.Now.Date, TimeSpan.Zero).AddHours(_clock.Now.Hour), outcome);
                counted[key] = counted.GetValueOrDefault(key) + 1;
            }
        }
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(17, 5)]
    [InlineData(500, 1)]
    [InlineData(1_200, 40)]
    public async Task Clients_whose_rows_are_refused_keep_no_others_waiting_and_each_count_is_stored_once(int clients, int refused)
    {
        var random = new Random(clients);
        var book = Book();
        var flusher = Flusher(book);
        var name = $"among-{clients}";
        var usages = Enumerable.Range(0, clients).Select(n => book.Open($"{name}-{n}")).ToList();
        var poisoned = usages.OrderBy(_ => random.Next()).Take(refused).ToHashSet();
        await RefuseAsync([.. poisoned.Select(usage => usage.ClientId)]);

        await CountAndFlushAsync(how: 0);
        Assert.Equal(Expected(1, of: 0), await StoredAsync());
        // A batch that was held is refused too, and is what was cut short.
        await CountAndFlushAsync(how: 1);
        await flusher.FlushAsync(Cancellation);
        await CountAndFlushAsync(how: 0);
        Assert.Equal(Expected(3, of: 0), await StoredAsync());

        await cluster.ExecuteAsync("drop trigger refuse");
        _clock.Now += TimeSpan.FromMinutes(1);
        await flusher.FlushAsync(Cancellation);
        Assert.Equal(Expected(3, of: 3), await StoredAsync());
        Assert.Equal((0, 0), (book.DirtyCount, book.SetAsideCount));

        async Task CountAndFlushAsync(int how)
        {
            usages.ForEach(usage => usage.CountIssued(Start, "s", "read"));
            await FlushAsync(flusher, how);
        }

        Dictionary<string, long> Expected(long others, long of) => usages
            .Select(usage => (usage.ClientId, Count: poisoned.Contains(usage) ? of : others))
            .Where(row => row.Count > 0)
            .ToDictionary(row => row.ClientId, row => row.Count);

        async Task<Dictionary<string, long>> StoredAsync() =>
            (await cluster.QueryAsync<(string Id, long Count)>("select client_id, count from usage_hourly where client_id like @Name", new { Name = name + "-%" }))
            .ToDictionary(row => row.Id, row => row.Count);
    }

    [Fact]
    public async Task A_table_that_refuses_every_row_is_recognised_in_few_tries_and_no_client_is_set_aside()
    {
        var book = Book();
        var flusher = Flusher(book);
        var usages = Enumerable.Range(0, 700).Select(n => book.Open($"all-refused-{n}")).ToList();
        usages.ForEach(usage => usage.CountIssued(Start, "s", "read"));
        var tries = 0;
        _clock.WhenRead = () => tries++;

        await FlushAsync(flusher, 2);

        Assert.InRange(tries, 1, 40);
        Assert.Equal((700, 0), (book.DirtyCount, book.SetAsideCount));
        await flusher.FlushAsync(Cancellation);
        Assert.Equal([700L], await cluster.QueryAsync<long>("select sum(count) from usage_hourly where client_id like 'all-refused-%'"));
    }

    [Fact]
    public async Task Refused_usage_is_tried_and_logged_once_a_minute_until_the_end_of_the_process()
    {
        var book = Book();
        var log = new FakeLogger<UsageFlusher>();
        var flusher = Flusher(book, log);
        var (refused, other) = (book.Open("refused-on"), book.Open("taken"));
        await RefuseAsync("refused-on");
        var tries = new List<int>();
        for (var flush = 0; flush < 31; flush++)
        {
            refused.CountIssued(Start, "s", "read");
            other.CountIssued(Start, "s", "read");
            var read = 0;
            _clock.WhenRead = () => read++;
            await flusher.FlushAsync(Cancellation);
            tries.Add(read);
            _clock.WhenRead = null;
            _clock.Now += TimeSpan.FromSeconds(2);
        }

        // At first both clients together, each alone, and the refused one once more; a minute later the refused one again.
        Assert.Equal([4, .. Enumerable.Repeat(1, 29), 2], tries);
        Assert.Equal(2, log.Collector.GetSnapshot().Count(line => line.Id.Id == 1111 && line.Message.Contains("client refused-on.", StringComparison.Ordinal)));

        await flusher.StopAsync(Cancellation);
        await cluster.ExecuteAsync("drop trigger refuse");
        Assert.Equal("The usage of 1 clients could not be written before the end of the process and is lost.", Assert.Single(log.Collector.GetSnapshot(), line => line.Id.Id == 1103).Message);
        Assert.Equal([31L], await cluster.QueryAsync<long>("select sum(count) from usage_hourly where client_id in ('taken', 'refused-on')"));
    }

    [Fact]
    public async Task A_metric_tells_of_how_many_clients_the_usage_is_refused()
    {
        var ids = new List<string>();
        for (var i = 0; i < 30; i++)
        {
            ids.Add(await cluster.CreateAsync(TestClients.Document("read")));
            await cluster.AllowedOfAsync(ids[i], 1);
        }

        await RefuseAsync(ids[7]);
        await cluster.FlushAsync();
        Assert.Equal(1, SetAside());

        await cluster.ExecuteAsync("drop trigger refuse");
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await cluster.FlushAsync();
        Assert.Equal(0, SetAside());

        int SetAside() => cluster.Each<IMeterFactory>().Sum(meters =>
        {
            using var gauge = new MetricCollector<int>(meters, "AuthCluster.Cluster", "authcluster.usage.set_aside");
            gauge.RecordObservableInstruments();
            return gauge.LastMeasurement!.Value;
        });
    }

    [Fact]
    public async Task A_flush_takes_what_was_counted_before_it_and_ends_though_clients_go_on_counting()
    {
        var book = Book();
        var flusher = Flusher(book);
        var busy = Enumerable.Range(0, 1_200).Select(n => book.Open($"busy-{n}")).ToList();
        busy.ForEach(usage => usage.CountIssued(Start, "s", "read"));
        var rounds = 0;
        // The clock is read for each transaction; by then every client has counted again.
        _clock.WhenRead = () =>
        {
            Assert.True(++rounds < 10, "The flush goes on for ever.");
            busy.ForEach(usage => usage.CountIssued(Start, "s", "read"));
        };

        await flusher.FlushAsync(Cancellation);

        Assert.Equal(3, rounds);
        Assert.Equal(1_200, book.DirtyCount);
    }

    [Fact]
    public async Task A_flush_that_outlives_the_stop_and_the_database_is_written_and_ends_well()
    {
        await using var database = new Database(StorageProvider.Sqlite, $"Data Source={cluster.Database.SqliteFile}");
        var book = Book();
        var flusher = new UsageFlusher(book, new SiloActivity(_clock), new UsageStore(database), _clock, NullLogger<UsageFlusher>.Instance);
        book.Open("outlives").CountIssued(Start, "s", "read");
        var turn = await database.EnterWriteAsync(Cancellation);
        var flush = flusher.FlushAsync(Cancellation);

        flusher.Dispose();
        await database.DisposeAsync();
        turn.Dispose();

        await flush;
        Assert.Equal([1L], await cluster.QueryAsync<long>("select count from usage_hourly where client_id = 'outlives'"));
    }

    [Fact]
    public async Task The_last_flush_is_written_though_the_hosts_deadline_has_passed()
    {
        var book = Book();
        var flusher = Flusher(book);
        book.Open("at-the-end").CountIssued(Start, "s", "read");

        await flusher.StopAsync(new CancellationToken(canceled: true));

        Assert.Equal(1, Assert.Single(await new UsageStore(cluster.Database).ReadAsync("at-the-end", Start.AddHours(-1), Start.AddHours(1), Cancellation)).Count);
    }

    [Fact]
    public async Task Activations_that_come_and_go_within_an_hour_leave_one_row()
    {
        var id = await cluster.CreateAsync(TestClients.Document("read"));
        for (var round = 0; round < 4; round++)
        {
            await cluster.AllowedOfAsync(id, 2);
            await cluster.FlushAsync();
            await cluster.ForgetAsync(id);
        }

        Assert.Equal([8L], await cluster.QueryAsync<long>("select count from usage_hourly where client_id = @Id", new { Id = id }));
    }

    /// <summary>Has the database refuse the counts of some clients.</summary>
    private Task RefuseAsync(params string[] ids) => cluster.ExecuteAsync(
        $"create trigger refuse before insert on usage_hourly when new.client_id in ('{string.Join("', '", ids)}') begin select raise(abort, 'refused'); end");

    private UsageBook Book() => new(new SiloActivity(_clock));

    private UsageFlusher Flusher(UsageBook book, ILogger<UsageFlusher>? log = null)
    {
        var flusher = new UsageFlusher(book, new SiloActivity(_clock), new UsageStore(cluster.Database), _clock, log ?? NullLogger<UsageFlusher>.Instance);
        _flushers.Add(flusher);
        return flusher;
    }

    /// <summary>Flushes well, not at all, cut short, or refused by the database.</summary>
    private async Task FlushAsync(UsageFlusher flusher, int how)
    {
        switch (how)
        {
            case 0:
                await flusher.FlushAsync(Cancellation);
                break;
            case 1:
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
                {
                    using var cut = new CancellationTokenSource();
                    _clock.WhenRead = cut.Cancel;
                    await flusher.FlushAsync(cut.Token);
                });
                _clock.WhenRead = null;
                break;
            case 2:
                await cluster.ExecuteAsync("create trigger refuse before insert on usage_hourly begin select raise(abort, 'refused'); end");
                await Assert.ThrowsAnyAsync<Exception>(() => flusher.FlushAsync(Cancellation));
                await cluster.ExecuteAsync("drop trigger refuse");
                break;
        }
    }

    private sealed class TellingClock(DateTimeOffset start) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = start;

        public Action? WhenRead { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.UtcTicks;

        public override DateTimeOffset GetUtcNow()
        {
            WhenRead?.Invoke();
            return Now;
        }
    }
}
