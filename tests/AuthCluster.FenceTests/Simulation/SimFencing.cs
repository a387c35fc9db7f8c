using System.Collections.Immutable;
using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>Makes a stored write hold everywhere: it reads the membership and does what the product's <see cref="FencedWrite"/> tells.</summary>
internal sealed class SimFencing
{
    private readonly World _world;
    private readonly SimWrite _write;
    private readonly WriteKind _kind;
    private readonly FencedWrite _fenced;
    private readonly SimVoids _voids;
    private ImmutableHashSet<string> _wereDead = [];
    private Membership? _early;
    private bool _hasBegun;
    private bool _hasView;
    private bool _awaitsReading;
    private bool _isAnswered;
    private int _look;

    public SimFencing(World world, SimWrite write, TimeSpan deadline)
    {
        _world = world;
        _write = write;
        _kind = write.IsClaim ? WriteKind.Claim : WriteKind.Change;
        _fenced = new FencedWrite(write.Silo.Process.Name, _kind, deadline, SimTimes.ForWrite(world.Mistake, _kind));
        _voids = new SimVoids(world, this, write, _fenced);
    }

    /// <summary>Whether it has a reading from before the write was stored.</summary>
    public bool HasReading => _early is not null;

    private SimSilo Silo => _write.Silo;

    /// <summary>Reads before the write is stored, which is a mistake.</summary>
    public void ReadEarly() => Read();

    /// <summary>Begins: the write is stored.</summary>
    public void Begin()
    {
        _hasBegun = true;
        if ((_world.Mistake == Mistake.OldView ? Silo.Mandate.Latest : _early) is { } view)
        {
            TakeView(view);
        }
        else
        {
            ReadSoon();
        }
    }

    public void OnRead(Membership view)
    {
        if (!_awaitsReading)
        {
            return;
        }

        _awaitsReading = false;
        if (_hasBegun)
        {
            TakeView(view);
        }
        else
        {
            _early = view;
            _write.Begin();
        }
    }

    public void OnReadFailed()
    {
        if (!_awaitsReading)
        {
            return;
        }

        _awaitsReading = false;
        if (_hasBegun)
        {
            Follow(_fenced.ReadFailed(Silo.Now));
        }
        else
        {
            _write.Begin();
        }
    }

    /// <summary>Looks at once, since all have acknowledged.</summary>
    public void LookIfOpen()
    {
        if (!_isAnswered)
        {
            Follow(_fenced.Look(AsTheWriteSees(Silo.Mandate.Latest!), Silo.Now));
        }
    }

    private void ReadSoon() => Silo.Process.After(_world.Random.Seconds(0.00002, 0.0003), this, static fencing => fencing.Read());

    private void Read()
    {
        _awaitsReading = true;
        Silo.Reader.Read(this);
    }

    private void TakeView(Membership fresh)
    {
        _hasView = true;
        if (_world.Mistake is Mistake.OnlyTheDeadThatLivedAtTheReading or Mistake.OnlyTheLatestReadingCounts)
        {
            _wereDead = [.. fresh.Silos.Where(IsDead).Select(silo => silo.Silo)];
        }

        Follow(_fenced.ReadReturned(AsTheWriteSees(fresh), Silo.Now));
    }

    private void Follow(WriteStep step)
    {
        var look = ++_look;
        if (step.Answer is { } answer)
        {
            _isAnswered = true;
            _write.OnFenced(answer);
            if (answer.Outcome == FenceOutcome.NotEverywhere)
            {
                _voids.AskOn();
            }
        }
        else if (!_hasView)
        {
            Silo.Process.After(step.LookAfter!.Value, this, static fencing => fencing.ReadSoon());
        }
        else
        {
            _voids.Ask(step.Void);
            Silo.Process.After(step.LookAfter!.Value, (this, look), static later => later.Item1.LookIfLatest(later.look));
        }
    }

    private void LookIfLatest(int look)
    {
        if (look == _look)
        {
            LookIfOpen();
        }
    }

    /// <summary>The view itself, but for a write that takes the dead too lightly.</summary>
    private Membership AsTheWriteSees(Membership view) => _world.Mistake switch
    {
        Mistake.TheDeadIgnored when _kind == WriteKind.Change => Without(view, IsDead),
        Mistake.OnlyTheDeadThatLivedAtTheReading when _kind == WriteKind.Change => Without(view, silo => _wereDead.Contains(silo.Silo)),
        Mistake.OnlyTheLatestReadingCounts => Without(view, silo => !IsDead(silo) && _wereDead.Contains(silo.Silo)),
        Mistake.TheDeadWaitedForOneTerm => new Membership(view.Began, view.Returned, TimeSpan.Zero, view.Silos),
        Mistake.OwnGraceTakenForTheLongest => new Membership(view.Began, view.Returned, Silo.Grace, view.Silos),
        Mistake.AgeFromTheReadingsStart => new Membership(view.Began, view.Began, view.LongestGrace, view.Silos),
        _ => view,
    };

    private static bool IsDead(SiloEntry silo) => silo.Standing == SiloStanding.Dead;

    private static Membership Without(Membership view, Func<SiloEntry, bool> hidden) =>
        new(view.Began, view.Returned, view.LongestGrace, view.Silos.Where(silo => !hidden(silo)));
}
