// World, the spools: some agencies take their documents from a directory. Its files outlive the process: what a step has done before a
// crash stays done, half-written files among it. What appears in `new` is whole, for the right agency, and comes once.

import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows

/// One agency's directory.
struct SimulatedSpool {
    struct File {
        var pair: Pair
        /// Nil while it is being written, and for ever when the process ended then.
        var digest: Digest?
    }
    var tmp: [String: File] = [:]
    var new: [String: File] = [:]
}

extension Network {
    /// Every third agency has a spool.
    func hasSpool(_ agency: AgencyCode) -> Bool {
        usesSpools && agencies.firstIndex { $0.code == agency }.map { $0 % 3 == 0 } ?? false
    }

    func spools(of node: Int) -> [Spool] {
        agencies.filter { $0.home == node && hasSpool($0.code) }.map { agency in
            Spool(agency: agency.code, directory: "/\(agency.code)", atOnce: 2)
        }
    }
}

extension World {
    /// What the folder `tmp` is known by.
    private static let folder: UInt64 = 4_711

    /// The node's writer begins a step, and later ends it.
    func handOver(_ step: HandOver, _ node: SimulatedNode) {
        note(node.index, "handOver", step.number, "hands over #\(step.number) to \(step.agency): \(step.step)")
        let begins = now + random.next(below: 50)
        plan(.spoolStep(node: node.index, life: node.life, step, isEnd: false), at: begins)
        plan(.spoolStep(node: node.index, life: node.life, step, isEnd: true), at: begins + 1 + random.next(below: 400))
    }

    func spoolStep(_ node: SimulatedNode, _ life: Int, _ step: HandOver, isEnd: Bool) {
        guard node.life == life, node.isUp else { return }
        if !isEnd {
            if case .write = step.step {
                spools[step.agency, default: SimulatedSpool()].tmp[step.file] = SimulatedSpool.File(
                    pair: Pair(bundle: step.bundle, recipient: step.agency.text))
            }
            return
        }
        if !isHealed, random.next(below: 12) == 0 {
            return post(.event(.handOverFailed(ticket: step.ticket, .spool("the simulator says so"))), to: node.index)
        }
        switch step.step {
        case .write(let payload, _, let wanted, _):
            guard let digest = node.digest(payload), digest == wanted else {
                spools[step.agency]?.tmp[step.file] = nil
                return post(.event(.handOverFailed(ticket: step.ticket, .document("not readable"))), to: node.index)
            }
            spools[step.agency]?.tmp[step.file]?.digest = digest
        case .move: move(step)
        case .discard:
            spools[step.agency]?.tmp[step.file] = nil
            return
        }
        // The process may be killed between the deed and its report.
        if random.next(below: 30) == 0, !isHealed { return stop(node, restartAfter: random.next(below: 3_000)) }
        post(.event(.handedOver(ticket: step.ticket, folder: Self.folder)), to: node.index)
    }

    private func move(_ step: HandOver) {
        guard let file = spools[step.agency]?.tmp.removeValue(forKey: step.file) else { return }
        if file.digest == nil { fail("\(step.agency) is handed half of \(step.bundle)") }
        if books.taken.contains(file.pair) || spools[step.agency]?.new[step.file] != nil {
            fail("\(step.agency) is handed \(step.bundle) a second time")
        }
        spools[step.agency]?.new[step.file] = file
    }

    /// The agency's system empties `new`. What it takes must be delivered sooner or later; `checkEnd` looks at that.
    func emptySpool(of agency: AgencyCode, _ node: SimulatedNode) {
        for name in spools[agency]?.new.keys.sorted() ?? [] {
            guard let file = spools[agency]?.new.removeValue(forKey: name) else { continue }
            if let known = books.documents[file.pair.bundle] {
                if known.digest != file.digest || !known.recipients.contains(agency) {
                    fail("\(agency) takes \(file.pair.bundle), which was handed in with other content or for others")
                }
            }
            if !books.digests.contains(file.digest ?? .zero) { fail("\(agency) takes bytes that nobody has handed in") }
            if !books.taken.insert(file.pair).inserted { fail("\(agency) takes \(file.pair.bundle) a second time") }
            note(node.index, "taken", 1, "\(agency) takes \(name) from its spool")
        }
    }
}
