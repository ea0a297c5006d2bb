// DaemonFlipTests: one bit in the file of a stopped hub changes, of every kind of page, table and part in turn, and the daemon starts on it.
// A neighbour takes all that it is given. Each pair that was in the store is given, as it was, or is set aside by its name, or the daemon
// refuses the file with a sentence; it never ends abnormally twice running. FlipTests does the same on the store library, and faster.
//
//   EDOC_DAEMON_FLIPS  how many bits; without it nothing is done (Scripts/flips --daemon says 300)
//   EDOC_FLIPS_SEED    the seed of their choice

import BundleProtocol
import ControlAPI
import Foundation
import OpenSSLTLS
import RelayModel
import TestNetwork
import Testing

@Suite struct DaemonFlipTests {
    enum Verdict: String, CaseIterable {
        case wrongBytes = "wrong bytes"
        case endedBadlyTwice = "ended badly twice"
        case lost = "lost without a name"
        case repeated = "delivered twice"
        case endedBadlyOnce = "ended badly once"
        case refused = "refused, with a sentence"
        case named = "set aside by name"
        case harmless = "all given"
    }

    /// (document ID, recipient)
    struct Pair: Hashable {
        var document: String
        var recipient: String
    }

    private static let documents = 48
    private static let data = "truc/store/data.mdb"

    /// The long form is Scripts/flips --daemon.
    @Test func theDaemonLosesNothingInSilence() throws {
        let count = Int(CrashTests.number("EDOC_DAEMON_FLIPS", 8))
        let seed = CrashTests.number("EDOC_FLIPS_SEED", 1907)
        let network = try Network(plain: true)
        network.setEnvironment("truc", ["SWIFT_BACKTRACE": "enable=no"])
        let digests = try fill(network)
        let original = try Data(contentsOf: URL(fileURLWithPath: network.folder[Self.data]))
        // The unchanged store gives everything.
        let whole = try take(network, digests)
        let pairs = Set(whole.given)
        #expect(whole.verdict == .harmless && pairs.count == whole.given.count && pairs.count > Self.documents)
        var counts: [Verdict: Int] = [:]
        for index in 0..<count {
            try putBack(network, original)
            // With few flips the turns are spread over all kinds.
            let place = try flip(network, turn: index * 37, seed: seed + UInt64(index))
            var result = try take(network, digests)
            if result.verdict == .harmless {
                let missing = pairs.subtracting(result.given).subtracting(result.named)
                if Set(result.given).count != result.given.count {
                    result.verdict = .repeated
                } else if !missing.isEmpty {
                    result.verdict = .lost
                } else if !result.named.isEmpty {
                    result.verdict = .named
                } else if result.hasEndedBadly {
                    result.verdict = .endedBadlyOnce
                }
            }
            counts[result.verdict, default: 0] += 1
            if [.wrongBytes, .endedBadlyTwice, .lost, .repeated, .endedBadlyOnce].contains(result.verdict) {
                print("\(result.verdict.rawValue): \(place): \(result.said)")
                print(network.logTail("truc"))
            }
        }
        for verdict in Verdict.allCases { if let number = counts[verdict] { print("\(verdict.rawValue): \(number)") } }
        #expect(counts[.wrongBytes] == nil && counts[.endedBadlyTwice] == nil && counts[.repeated] == nil)
        #expect((counts[.lost] ?? 0) * 1_000 <= count)
        #expect(counts.values.reduce(0, +) == count)
    }

    /// A hub with documents for one and two agencies of hcm, of many sizes; the digests of their payloads.
    private func fill(_ network: Network) throws -> [Digest: String] {
        try network.start(["truc", "vpcp"])
        var digests: [Digest: String] = [:]
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for number in 1...Self.documents {
            let payload = (0..<(100 + number * number * 11)).map { UInt8(truncatingIfNeeded: $0 &* number) }
            digests[payload.withUnsafeBytes { SHA256Hasher.digest(of: $0) }] = "\(number)"
            let recipients = [["H29"], ["H29.15"], ["H29", "H29.15"]][number % 3]
            #expect(
                client.submit(
                    token: UInt64(number), from: "G22", to: recipients, document: "\(number)", payload: payload))
            guard case .accepted = client.answer() else { throw TestFailure("not accepted") }
        }
        let pairs = UInt64(Self.documents / 3 * 4)
        #expect(try eventually { try network.status("truc").inStore["waiting"] == pairs })
        #expect(network.stop("truc") == .exited(0))
        network.stop("vpcp")
        return digests
    }

    private func putBack(_ network: Network, _ original: Data) throws {
        for name in ["lock.mdb", "in-hand", "stopped"] { unlink(network.folder["truc/store/" + name]) }
        try original.write(to: URL(fileURLWithPath: network.folder[Self.data]))
        unlink(network.log("truc"))
    }

    private func flip(_ network: Network, turn: Int, seed: UInt64) throws -> String {
        let result = try network.run(
            Places.programs + "/edoc-flips",
            ["--change", network.folder[Self.data], "--turn", String(turn), "--seed", String(seed)])
        guard result.end == .exited(0) else { throw TestFailure("no flip: \(result.errors)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private struct Taken {
        var verdict = Verdict.harmless
        var given: [Pair] = []
        var named: Set<Pair> = []
        var hasEndedBadly = false
        var said = ""
    }

    /// The daemon runs, twice if it ends abnormally, and its neighbour takes all that it gives.
    private func take(_ network: Network, _ digests: [Digest: String]) throws -> Taken {
        var taken = Taken()
        for _ in 1...2 {
            let end = try runOnce(network, digests, &taken)
            guard taken.verdict == .harmless, let end else { return taken }
            let log = network.logText("truc")
            if end == .exited(78) {
                let lines = log.split(separator: "\n")
                taken.said = lines.last.map(String.init) ?? ""
                // It names its file, and what to do.
                taken.verdict =
                    taken.said.contains(network.folder["truc/store"])
                        || lines.contains { $0.contains("edocctl salvage") } ? .refused : .endedBadlyTwice
                return taken
            }
            taken.said = "\(end)"
            if taken.hasEndedBadly { taken.verdict = .endedBadlyTwice }
            taken.hasEndedBadly = true
        }
        return taken
    }

    /// How it ended, if it did before its neighbour had everything.
    private func runOnce(_ network: Network, _ digests: [Digest: String], _ taken: inout Taken) throws -> ProgramEnd? {
        try network.launch("truc")
        var status: StatusAnswer?
        let isDecided = try eventually {
            status = try? network.status("truc")
            return status != nil || !network.isRunning("truc")
        }
        guard isDecided else { throw TestFailure("the daemon neither starts nor ends:\n\(network.logTail("truc"))") }
        guard let port = status?.listening.first?.split(separator: ":").last.flatMap({ Int($0) }) else {
            return network.stop("truc")
        }
        let peer = try RawPeer(port: port, as: "hcm", tls: nil)
        let isEmpty = try peer.take(within: 60) {
            guard network.isRunning("truc") else { return true }
            guard let now = try? network.status("truc") else { return false }
            let states = ["waiting", "deferred", "active"].map { now.inStore[$0] ?? 0 }
            return states.allSatisfy { $0 == 0 } && now.active == 0
        }
        for bundle in peer.received where !bundle.header.primary.flags.contains(.isAdministrativeRecord) {
            let digest = bundle.payload.withUnsafeReadableBytes { SHA256Hasher.digest(of: $0) }
            let described = bundle.header.document
            guard let known = digests[digest], described?.documentID == known else {
                taken.verdict = .wrongBytes
                taken.said = "\(described?.documentID ?? "?") has other bytes"
                continue
            }
            for code in bundle.header.copy?.recipients ?? [] {
                taken.given.append(Pair(document: known, recipient: code.text))
            }
        }
        guard network.isRunning("truc") else { return network.stop("truc") }
        if !isEmpty { taken.said = "something waits that is not given: \(try network.status("truc").inStore)" }
        let corrupt: QueueListAnswer = try network.ask("truc", "queue", "list", "--state", "corrupt", "--limit", "1000")
        for line in corrupt.lines {
            if let document = line.documentID {
                taken.named.insert(Pair(document: document, recipient: line.recipient))
            }
        }
        let end = network.stop("truc")
        return end == .exited(0) ? nil : end
    }
}
