using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>What a silo asks the others while it can't read the membership, and what it answers them.</summary>
internal sealed class SimPeers(World world, SimSilo silo)
{
    private TimeSpan _answeredUntil = FenceTimes.Never;
    private TimeSpan _knewUntil = FenceTimes.Never;

    public void Ask()
    {
        foreach (var peer in silo.Mandate.Peers)
        {
            var asked = world.Silo(peer);
            world.Network.Send(silo.Process, asked.Process, (asked, asker: silo, askedAt: silo.Now), static ping => ping.asked.Peers.OnPing(ping.asker, ping.askedAt));
        }
    }

    /// <summary>What lets this silo spend at a moment, as the whole world knows it.</summary>
    public SpendingRight RightAt(TimeSpan at) =>
        KnowsAt(at) ? SpendingRight.OwnReading
        : silo.Mandate.Peers.IsEmpty ? SpendingRight.KnewNobody
        : at < _knewUntil ? SpendingRight.PeerThatReads
        : at < _answeredUntil ? SpendingRight.PeerThatIsBlind
        : SpendingRight.Nothing;

    private void OnPing(SimSilo asker, TimeSpan askedAt)
    {
        world.Faults.Strike(silo);
        var answersAll = world.Mistake is Mistake.AnyPeerAnswers or Mistake.AnyPeerAnswersAndClaimWaitsForOneTerm;
        if (answersAll || silo.Mandate.Answers(asker.Process.Name, silo.Now))
        {
            world.Network.Send(silo.Process, asker.Process, (asker, askedAt, knows: KnowsAt(silo.Now)), static pong => pong.asker.Peers.OnPong(pong.askedAt, pong.knows));
        }
    }

    private void OnPong(TimeSpan askedAt, bool knows)
    {
        silo.Mandate.PeerAnswered(askedAt);
        var until = askedAt + SimTimes.Sound.Term;
        _answeredUntil = until > _answeredUntil ? until : _answeredUntil;
        _knewUntil = knows && until > _knewUntil ? until : _knewUntil;
    }

    private bool KnowsAt(TimeSpan at) => silo.Mandate.LastGood is { } good && at < good.Began + SimTimes.Sound.Term;
}
