// PlantedBug: mistakes that a relay of this kind is prone to, made on purpose to see whether the simulator finds them. A core has none;
// only a world of the simulator plants one (`Scripts/simulate --planted`), and nothing but this package can.

import RelayModel
import RelayRows

/// One mistake.
public enum PlantedBug: String, CaseIterable, Sendable {
    /// A lifetime ends while the copy is on a link, and the answer is not waited for.
    case expiresOnLink
    /// What is given to a higher urgency earns the lower ones nothing.
    case noCredit
    /// At a fail-over the next hop gets what the one before may have.
    case doubtIgnored
    /// A lane that waits for its first row sleeps on, whatever comes before that one.
    case laneStalls
    /// An arrival that is reported takes the copy out of the queue.
    case reportIsCustody
    /// A copy that returns is *Completed* because its pair is held here.
    case completedWhileHeld
    /// What is more urgent goes behind what has come before it, and nothing is taken back for it.
    case nothingOvertakes
    /// No session is kept free for what is urgent.
    case noSecondSession
    /// What a link has begun is taken for given back.
    case begunIsGivenBack
    /// A neighbour that has no room for a large one is given nothing at all.
    case largePausesAll
}

extension RelayCore {
    /// For the simulator, once, before anything has happened.
    package mutating func plant(_ bug: PlantedBug?) { plantedBug = bug }

    /// Always false outside of the simulator.
    func has(_ bug: PlantedBug) -> Bool { plantedBug == bug }

    /// `reportIsCustody`: ends what waits here because somebody says that it has arrived.
    mutating func believeAsCustody(_ line: ReportRow, _ turn: inout Turn) {
        guard has(.reportIsCustody), line.isArrival else { return }
        let prefix = Keys.bundle(line.bundle)
        guard let found = turn.rows.row(.bundle, atOrAfter: prefix), prefix.isPrefix(of: found.key),
            var row = envelope(found.key.number(at: found.key.count - 8), &turn), active[row.number] == nil,
            let index = row.recipients.firstIndex(where: { $0.name == line.recipient.text && $0.state.isQueued }),
            row.recipients[index].routeClass != 0, let peer = line.path.dropFirst().first?.node
        else { return }
        unqueue(row, index, turn.rows)
        row.recipients[index].peer = peer
        end(&row, index, .forwarded, .none, &turn)
        ledger.forwarded(peer, row, 1)
        settle(&row, &turn)
    }
}
