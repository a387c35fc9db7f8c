using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.Cluster;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Logging.Abstractions;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What is counted and what of it is stored, with clocks that jump, flushes that fail and clients that go on counting.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class UsageTests(GrainCluster cluster) : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 5, 15, 10, 30, 0, TimeSpan.Zero);

    private readonly TellingClock _clock = new(Start);
    private readonly List<UsageFlusher> _flushers = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _flushers.ForEach(flusher => flusher.Dispose());

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
                    Add(UsageStore.Issued);
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

    [Fact]
    public async Task A_flush_takes_what_was_counted_before_it_and_ends_though_clients_go_on_counting()
    {
        var book = Book();
        var flusher = Flusher(book);
        var busy = Enumerable.Range(0, 1_200).Select(n => book.Open($"busy-{n}")).ToList();
        busy.ForEach(usage => usage.CountIssued(Start, "s", "read"));
        var rounds = 0;
        // The clock is read for each transaction: by then everybody has counted again.
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

    private UsageBook Book() => new(new SiloActivity(_clock));

    private UsageFlusher Flusher(UsageBook book)
    {
        var flusher = new UsageFlusher(book, new SiloActivity(_clock), new UsageStore(cluster.Database), _clock, NullLogger<UsageFlusher>.Instance);
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

        public override DateTimeOffset GetUtcNow()
        {
            WhenRead?.Invoke();
            return Now;
        }
    }
}
