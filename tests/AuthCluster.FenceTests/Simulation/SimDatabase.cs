namespace AuthCluster.FenceTests.Simulation;

/// <summary>How a silo reaches the database.</summary>
internal enum Reach
{
    Open,

    /// <summary>Calls fail at once.</summary>
    Refused,

    /// <summary>Calls are lost, late, or carried out without an answer.</summary>
    Hanging,
}

/// <summary>
/// The database: the rows of the clients, by compare and swap, and the <see cref="Table"/> of the silos. It may be away for some silos or for all,
/// answer late, or carry out a call whose caller has given up.
/// </summary>
internal sealed class SimDatabase
{
    private readonly World _world;
    private readonly Row[] _rows = [Row.First, Row.First];
    private readonly int[] _commits = [1, 1];
    private readonly double _rate;
    private readonly TimeSpan _offset;
    private TimeSpan _isDownUntil;
    private bool _isReplyLost;

    public SimDatabase(World world)
    {
        _world = world;
        _rate = world.Random.Between(1 - World.ClockError, 1 + World.ClockError);
        _offset = world.Random.Seconds(0, 1_000);
        Table = new MembershipTable(world);
    }

    public MembershipTable Table { get; }

    /// <summary>The time on the database's clock.</summary>
    public TimeSpan Now => _offset + (_world.Now * _rate);

    /// <summary>The probability that a call waits for a connection before it is carried out.</summary>
    public double Queueing { get; set; }

    public bool IsDown => _world.Now < _isDownUntil;

    public bool Refuses(SimSilo silo) => silo.Reach == Reach.Refused && !IsDown;

    public void GoDown(TimeSpan length)
    {
        _world.Coverage.Outages++;
        _world.Trace?.Invoke($"the database is down for {length.TotalSeconds:0.000} s");
        _isDownUntil = _world.Now + length;
    }

    public void ComeUp() => _isDownUntil = TimeSpan.Zero;

    public void Found(SimSilo silo) => Table.Found(silo);

    public void Read(Reading reading) =>
        Call(reading.Silo, false, (this, reading), static call => call.Item1.Reply(
            call.reading.Silo,
            (call.reading, call.Item1.Table.Snapshot, call.Item1.Now),
            static reply => reply.reading.Silo.Reader.OnRead(reply.reading, reply.Snapshot, reply.Now)));

    public void Load(SimActivation activation, int load, TimeSpan began) =>
        Call(activation.Silo, false, (this, activation, load, began), static call => call.Item1.Reply(
            call.activation.Silo,
            (call.activation, call.load, call.began, row: call.Item1._rows[call.activation.Client]),
            static reply => reply.activation.OnLoaded(reply.load, reply.began, reply.row)));

    /// <summary>Stores a row if its version is still the one that the writer knew.</summary>
    public void Store(SimWrite write, int attempt, Row known, Row next) =>
        Call(write.Silo, true, (this, write, attempt, known, next), static call =>
        {
            var stored = call.Item1.TrySwap(call.write, call.known, call.next);
            call.Item1.Reply(call.write.Silo, (call.write, call.attempt, stored), static reply => reply.write.OnStored(reply.attempt, reply.stored));
        });

    public void Join(SimSilo silo) => Call(silo, true, (Table, silo), static call => call.Table.Join(call.silo));

    public void Activate(SimSilo silo) => Call(silo, true, (Table, silo), static call => call.Table.Activate(call.silo));

    public void DeclareDead(SimSilo by, SimSilo dead) => Call(by, true, (Table, by, dead), static call => call.Table.DeclareDead(call.by, call.dead));

    public void SetEnded(SimSilo by, SimSilo dead, EndedBy proof) =>
        Call(by, true, (Table, dead, proof), static call => call.Table.SetEnded(call.dead, call.proof));

    public void ClearOld(SimSilo by) => Call(by, true, Table, static table => table.ClearOld());

    /// <summary>The last call of a silo that stops in order: it is dead and has ended.</summary>
    public void Leave(SimSilo silo) =>
        Call(silo, true, (this, silo), static call =>
        {
            call.Item1.Table.Leave(call.silo);
            call.Item1.Reply(call.silo, call.silo, static silo => silo.Exit());
        });

    private Row? TrySwap(SimWrite write, Row known, Row next)
    {
        var client = write.Client;
        if (_rows[client].Version != known.Version && _world.Mistake != Mistake.WithoutCompareAndSwap)
        {
            _world.Trace?.Invoke($"database: {write} finds version {_rows[client].Version} in place of {known.Version}");
            return null;
        }

        var stored = next with { Commit = ++_commits[client] };
        write.StoredAs = stored.Commit;
        _world.Judge.Committed(write, known.Commit, _rows[client].Commit, stored.Commit);
        _rows[client] = stored;
        _world.Trace?.Invoke($"database: {write} is stored: {stored}");
        return stored;
    }

    private void Call<T>(SimSilo from, bool isWrite, T state, Action<T> run)
    {
        var random = _world.Random;
        var (delay, isLost) = (_world.Network.Delay(), false);
        delay += Queueing > 0 && random.Chance(Queueing) ? random.Seconds(0.1, 0.28) : TimeSpan.Zero;
        if (IsDown)
        {
            if (!isWrite || !random.Chance(0.3))
            {
                return;
            }

            delay = _isDownUntil - _world.Now + random.Seconds(0, 1);
        }
        else if (from.Reach == Reach.Refused || (from.Reach == Reach.Hanging && random.Chance(0.4)))
        {
            return;
        }
        else if (from.Reach == Reach.Hanging)
        {
            isLost = random.Chance(0.85);
            delay = random.Chance(0.5) ? delay : random.Seconds(0.3, 6);
        }
        else if (!_world.Faults.AreOver && random.Chance(0.004))
        {
            isLost = true;
            delay = random.Chance(0.5) ? delay : random.Seconds(0.3, 6);
        }

        _world.Coverage.LateCalls += delay > TimeSpan.FromSeconds(0.3) ? 1 : 0;
        _world.Post(null, delay, (this, isLost, state, run), static call =>
        {
            call.Item1._isReplyLost = call.isLost;
            call.run(call.state);
        });
    }

    private void Reply<T>(SimSilo to, T state, Action<T> receive)
    {
        if (!_isReplyLost && !IsDown && (to.Reach == Reach.Open || _world.Random.Chance(0.3)))
        {
            _world.Post(to.Process, _world.Network.Delay(), state, receive);
        }
    }
}
