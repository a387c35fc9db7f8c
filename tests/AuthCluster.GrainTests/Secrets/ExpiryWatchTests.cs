using System.Diagnostics.Metrics;
using System.Globalization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.Time;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Secrets;

/// <summary>The warnings of secrets that run out: 30, 7 and 1 days ahead, each once, and the metric with the soonest end.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class ExpiryWatchTests(GrainCluster cluster) : IDisposable
{
    // Far from the times of the cluster's other tests.
    private static readonly DateTimeOffset End = new(2040, 6, 30, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new(End.AddDays(-40));
    private readonly FakeLogger<ExpiryWatch> _log = new();
    private readonly MeterFactory _meters = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _meters.Dispose();

    [Fact]
    public async Task Each_secret_is_warned_of_30_7_and_1_days_before_its_end_and_each_time_once()
    {
        var (one, other) = (Watch(), Watch());
        var id = await cluster.CreateAsync(Document(), SecretOf("ends", "ends", expiresAt: End), SecretOf("stays", "stays"));

        List<string> warned = [];
        foreach (var daysLeft in (double[])[40, 30.01, 30, 29, 7.01, 7, 6, 1.01, 1, 0.5])
        {
            _clock.AdjustTime(End.AddDays(-daysLeft));
            // Two silos look, and one of them warns.
            await Task.WhenAll(WarnAsync(one), WarnAsync(other));
            warned.AddRange(Warnings(id).Select(days => $"{days} at {daysLeft.ToString(CultureInfo.InvariantCulture)}"));
            _log.Collector.Clear();
        }

        Assert.Equal(["30 at 30", "7 at 7", "1 at 1"], warned);
    }

    [Fact]
    public async Task A_secret_that_is_found_late_is_warned_of_once_and_a_new_end_is_warned_of_anew()
    {
        var watch = Watch();
        _clock.AdjustTime(End.AddHours(-12));
        var id = await cluster.CreateAsync(Document(), SecretOf("late", "late", expiresAt: End));

        await WarnAsync(watch);
        await WarnAsync(watch);

        Assert.Equal(["1"], Warnings(id));
        _log.Collector.Clear();
        await cluster.Client(id).AddSecretAsync(
            new AddSecretCommand(SecretOf("next", "next", expiresAt: End.AddDays(20)), null, null, Actor(), null, cluster.Clock.GetUtcNow()), Cancellation);
        await WarnAsync(watch);
        Assert.Equal(["30"], Warnings(id));
    }

    [Fact]
    public async Task A_disabled_clients_secret_is_not_warned_of_until_it_is_enabled()
    {
        var watch = Watch();
        _clock.AdjustTime(End.AddDays(-3));
        var id = await cluster.CreateAsync(Document(), SecretOf("off", "off", expiresAt: End));
        await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(false, null, Actor()), Cancellation);

        await WarnAsync(watch);
        Assert.Empty(Warnings(id));

        await cluster.Client(id).SetEnabledAsync(new SetEnabledCommand(true, null, Actor()), Cancellation);
        await WarnAsync(watch);
        Assert.Equal(["7"], Warnings(id));
    }

    [Fact]
    public async Task A_warning_given_while_the_clock_is_in_doubt_is_given_again_by_a_trusted_clock()
    {
        _clock.AdjustTime(End.AddHours(-12));
        var watch = Watch();
        var id = await cluster.CreateAsync(Document(), SecretOf("soon", "soon", expiresAt: End));

        await watch.WarnInTurnAsync(Cancellation);
        await watch.WarnInTurnAsync(Cancellation);
        Assert.Equal(["1"], Warnings(id));
        _clock.Advance(TrustedClock.SteadyFor);
        await InTheNextTurnAsync();
        Assert.Equal(["1", "1"], Warnings(id));
        await InTheNextTurnAsync();

        Assert.Equal(["1", "1"], Warnings(id));

        Task InTheNextTurnAsync()
        {
            cluster.Clock.Advance(TimeSpan.FromHours(cluster.Each<SiloTurns>().Count()));
            return watch.WarnInTurnAsync(Cancellation);
        }
    }

    [Fact]
    public async Task The_metric_has_the_seconds_to_the_soonest_end()
    {
        using var soonest = new MetricCollector<double>(_meters, "AuthCluster.Clients", "authcluster.secret.expires_in");
        var watch = Watch();
        // Before the ends of other tests' secrets, and after the cluster's own clock.
        var sooner = new DateTimeOffset(2035, 1, 1, 0, 0, 0, TimeSpan.Zero);
        _clock.AdjustTime(sooner.AddHours(-2));
        var id = await cluster.CreateAsync(Document(), SecretOf("a", "a", expiresAt: sooner), SecretOf("b", "b", expiresAt: sooner.AddHours(1)));

        await watch.MeasureAsync(Cancellation);
        soonest.RecordObservableInstruments();
        Assert.Equal(7_200, soonest.LastMeasurement!.Value);
        _clock.Advance(TimeSpan.FromMinutes(90));
        soonest.RecordObservableInstruments();
        Assert.Equal(1_800, soonest.LastMeasurement!.Value);

        // A secret that has ended or was revoked no longer counts as the soonest.
        _clock.Advance(TimeSpan.FromMinutes(31));
        await watch.MeasureAsync(Cancellation);
        soonest.RecordObservableInstruments();
        Assert.Equal(3_540, soonest.LastMeasurement!.Value);
        await cluster.Client(id).DeleteAsync(new DeleteClientCommand(null, Actor()), Cancellation);
        await watch.MeasureAsync(Cancellation);
        soonest.Clear();
        soonest.RecordObservableInstruments();
        // No measurement, unless another test has left a secret that ends later.
        Assert.False(soonest.LastMeasurement is { Value: <= 3_540 }, $"{soonest.LastMeasurement?.Value} s");
    }

    [Fact]
    public async Task Of_very_many_secrets_that_end_at_once_each_is_warned_of_once_and_a_thousand_by_name()
    {
        var watch = Watch();
        var end = new DateTimeOffset(2060, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var stored = new { End = (end - DateTimeOffset.UnixEpoch).Ticks / 10 };
        await StoreAsync("many", 1_700, end);
        _clock.AdjustTime(end.AddDays(-20));

        await WarnAsync(watch);
        await WarnAsync(watch);

        Assert.Equal(1_000, _log.Collector.GetSnapshot().Count(record => record.Id.Id == 1107));
        Assert.Equal("700 more secrets run out soon; GET /admin/v1/reports/expiring has them all.", Assert.Single(_log.Collector.GetSnapshot(), record => record.Id.Id == 1108).Message);
        Assert.Equal([1_700L], await cluster.QueryAsync<long>("select count(*) from expiry_warning where expires_at = @End", stored));
    }

    [Fact]
    public async Task A_search_for_ending_secrets_that_fails_halfway_goes_on_from_there_and_warns_of_each_secret_once()
    {
        var watch = Watch();
        var end = new DateTimeOffset(2070, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var stored = new { End = (end - DateTimeOffset.UnixEpoch).Ticks / 10 };
        await StoreAsync("half", 3_000, end);
        await cluster.ExecuteAsync(
            $"create trigger refuse before insert on expiry_warning when (select count(*) from expiry_warning where expires_at = {stored.End}) >= 1240 begin select raise(abort, 'refused'); end");
        _clock.AdjustTime(end.AddDays(-20));

        await Assert.ThrowsAsync<StorageUnavailableException>(() => WarnAsync(watch));
        await cluster.ExecuteAsync("drop trigger refuse");

        var first = Assert.Single(await cluster.QueryAsync<long>("select count(*) from expiry_warning where expires_at = @End", stored));
        Assert.InRange(first, 1_190, 1_240);
        Assert.Equal((1_000, first - 1_000), Told());

        _log.Collector.Clear();
        await WarnAsync(watch);
        Assert.Equal((1_000, 2_000 - first), Told());
        Assert.Equal([3_000L], await cluster.QueryAsync<long>("select count(*) from expiry_warning where expires_at = @End", stored));

        (int ByName, long More) Told() => (
            _log.Collector.GetSnapshot().Count(record => record.Id.Id == 1107),
            long.Parse(Assert.Single(_log.Collector.GetSnapshot(), record => record.Id.Id == 1108).GetStructuredStateValue("Count")!, CultureInfo.InvariantCulture));
    }

    /// <summary>Clients of one secret each, which all end at one moment.</summary>
    private async Task StoreAsync(string name, int clients, DateTimeOffset end)
    {
        await cluster.ExecuteAsync(
            """
            with recursive n(i) as (select 1 union all select i + 1 from n where i < @Clients)
            insert into client_catalogue (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
            select @Name || '-' || i, '', '', '', 1, 0, 0, '{}', 'e', 1, 0, 0 from n
            """,
            new { Clients = clients, Name = name });
        await cluster.ExecuteAsync(
            """
            insert into client_part (client_id, kind, value, created_at, expires_at)
            select client_id, 'secret', 's', 0, @End from client_catalogue where client_id like @Name || '-%'
            """,
            new { Name = name, End = (end - DateTimeOffset.UnixEpoch).Ticks / 10 });
    }

    private Task WarnAsync(ExpiryWatch watch) => watch.WarnAsync(_clock.GetUtcNow(), storeWarnings: true, Cancellation);

    private ExpiryWatch Watch() => new(
        new ExpiryStore(cluster.Database),
        new StorageGate(cluster.Database, _clock, NullLogger<StorageGate>.Instance),
        cluster.Each<SiloTurns>().First(turns => turns.OwnTurn(TimeSpan.FromHours(1)) is not null),
        new TrustedClock(_ => Task.FromResult<DateTimeOffset?>(null), _clock, NullLogger<TrustedClock>.Instance),
        new SecretMetrics(_meters, _clock),
        _clock,
        _log);

    /// <summary>The thresholds of the warnings of one client, in days.</summary>
    private List<string> Warnings(string id) => [.. _log.Collector.GetSnapshot()
        .Where(record => record.Id.Id == 1107 && record.GetStructuredStateValue("ClientId") == id)
        .Select(record => record.GetStructuredStateValue("Days")!)];

    private sealed class MeterFactory : IMeterFactory
    {
        private readonly List<Meter> _made = [];

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _made.Add(meter);
            return meter;
        }

        public void Dispose() => _made.ForEach(meter => meter.Dispose());
    }
}
