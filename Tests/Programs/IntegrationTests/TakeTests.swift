// TakeTests: the take socket of the real daemon: what is shown, that acknowledging ends it and nothing else does, across the end of a
// connection and of the process; rights; and clients that do not keep to the protocol.

import ControlAPI
import Foundation
import NIOCore
import RelayControl
import RelayModel
import RelayNode
import TestNetwork
import Testing

@Suite(.serialized) struct TakeTests {
    /// One node, at home to H29 and H29.15.
    private func node(_ more: String = "") throws -> Network {
        let network = try Network(plain: true)
        if !more.isEmpty {
            try network.replace("hcm", "  submit_socket: hcm/submit.sock", "  submit_socket: hcm/submit.sock\n" + more)
        }
        try network.start("hcm")
        return network
    }

    private func client(_ network: Network, _ agencies: [String]? = []) throws -> TakeClient {
        let client = try TakeClient(socket: network.folder["hcm/take.sock"], agencies: agencies)
        if agencies != nil { #expect(try client.next() == .ready(4_096)) }
        return client
    }

    private func payload(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
    }

    /// Hands in documents from one agency of the node to the others.
    private func submit(
        _ network: Network, _ numbers: ClosedRange<Int>, to: [String] = ["H29.15"], bytes: Int = 4_096
    ) throws {
        let client = try BulkClient(socket: network.folder["hcm/submit.sock"])
        for number in numbers {
            #expect(
                client.submit(
                    token: UInt64(number), from: "H29", to: to, document: "\(number)/VB",
                    payload: payload(number, bytes)))
        }
        for _ in numbers { guard case .accepted = client.answer() else { throw TestFailure("refused") } }
    }

    private func numbers(_ documents: [(head: TakenHead, octets: [UInt8])]) -> [Int] {
        documents.compactMap { Int($0.head.documentID.dropLast(3)) }
    }

    @Test func documentsAreShownAndAcknowledged() throws {
        let network = try node()
        let client = try client(network)
        client.say(.take(8))
        #expect(try client.next() == .idle)
        // Nobody asks again: what comes is shown.
        try submit(network, 1...20)
        let first = try client.documents(8)
        #expect(numbers(first) == Array(1...8))
        for (head, octets) in first {
            let number = try #require(Int(head.documentID.dropLast(3)))
            #expect(octets == payload(number, 4_096))
            #expect(head.sequence == UInt64(number) && head.agency == "H29.15" && head.sender == "H29")
            #expect(head.marks == [] && head.urgency == Urgency.normal.rawValue && head.digest.count == 32)
            #expect(head.arrived > 1_600_000_000_000)
        }
        let listed = try network.inbox("hcm", "H29.15")
        #expect(listed.prefix(8).map(\.envelope) == first.map(\.head.envelope))
        #expect(listed.prefix(8).map(\.number) == first.map(\.head.number))
        // Eight were asked for: no more come. All but the third, and then that one.
        client.say(.acknowledgeThrough(2), .acknowledge(4), .acknowledgeThrough(8), .acknowledgeThrough(8), .take(12))
        var said: [TakeClient.Said] = []
        var rest: [Int] = []
        while rest.count < 12 || said.count < 4 {
            guard let next = try client.next() else { throw TestFailure("the connection is gone") }
            if case .document(let head, let octets) = next {
                rest += numbers([(head, octets)])
            } else if next != .idle {
                said.append(next)
            }
        }
        #expect(Set(rest) == Set(9...20))
        let answers: [(UInt64, UInt32)] = [(2, 2), (4, 1), (8, 5), (8, 0)]
        #expect(
            said.sorted { "\($0)" < "\($1)" }
                == answers.map { .acknowledged($0, taken: $1, gone: 0) }.sorted { "\($0)" < "\($1)" })
        #expect(try network.inbox("hcm", "H29.15").count == 12)
        #expect(try network.ledger("hcm").documents?.ended["delivered"] == 8)
        try network.expectBooksBalance(["hcm"])
    }

    /// An acknowledgement that was answered is for good; what was only shown, or acknowledged and not answered, is nobody's loss.
    @Test func theProcessMayBeKilledAtAnyTime() throws {
        let network = try node()
        try submit(network, 1...300, bytes: 1_000)
        var acknowledged: Set<Int> = []
        var unanswered: Set<Int> = []
        for round in 0..<4 {
            let client = try client(network, ["H29.15"])
            client.say(.take(60))
            let documents = try client.documents(60)
            let numbers = numbers(documents)
            #expect(acknowledged.isDisjoint(with: numbers), "acknowledged, and shown again")
            for (head, octets) in documents {
                #expect(octets == payload(Int(head.documentID.dropLast(3)) ?? 0, 1_000))
                // All arrived before this process, or in the first round during it.
                #expect(head.marks.contains(.mayHaveBeenShown) == (round > 0))
            }
            client.say(.acknowledgeThrough(25))
            #expect(try client.next() == .acknowledged(25, taken: 25, gone: 0))
            acknowledged.formUnion(numbers.prefix(25))
            // Of these nobody hears whether they have been taken.
            client.say(.acknowledgeThrough(40))
            unanswered.formUnion(numbers[25..<40])
            network.kill("hcm")
            try network.start("hcm")
        }
        let left = Set(try network.inbox("hcm", "H29.15").compactMap { Int($0.documentID?.dropLast(3) ?? "") })
        #expect(left.isDisjoint(with: acknowledged))
        #expect(left.union(acknowledged).union(unanswered) == Set(1...300))
        try network.expectBooksBalance(["hcm"])
    }

    @Test func whatWasNotAcknowledgedIsShownToTheNext() throws {
        let network = try node()
        try submit(network, 1...10)
        var first: TakeClient? = try client(network)
        first?.say(.take(6))
        #expect(numbers(try first?.documents(6) ?? []) == Array(1...6))
        // At the same time another gets others.
        let second = try client(network)
        second.say(.take(10))
        #expect(numbers(try second.documents(4)) == Array(7...10))
        #expect(try second.next() == .idle)
        first?.say(.acknowledge(2))
        #expect(try first?.next() == .acknowledged(2, taken: 1, gone: 0))
        first = nil
        // Nobody asks again either: they are there again.
        let again = try second.documents(5)
        #expect(numbers(again).sorted() == [1, 3, 4, 5, 6])
        #expect(again.allSatisfy { $0.head.marks == .mayHaveBeenShown })
        second.say(.acknowledgeThrough(9))
        while true {
            let said = try second.next()
            if said == .idle { continue }
            #expect(said == .acknowledged(9, taken: 9, gone: 0))
            break
        }
        #expect(try network.inbox("hcm", "H29.15").isEmpty)
    }

    @Test func givenBackIsNotShownHereAgain() throws {
        let network = try node()
        try submit(network, 1...3)
        let one = try client(network)
        one.say(.take(10))
        #expect(numbers(try one.documents(3)) == [1, 2, 3])
        #expect(try one.next() == .idle)
        one.say(.giveBack(2), .acknowledgeThrough(3))
        #expect(try one.next() == .acknowledged(3, taken: 2, gone: 0))
        try submit(network, 4...4)
        #expect(numbers(try one.documents(1)) == [4])
        let other = try client(network)
        other.say(.take(10))
        #expect(numbers(try other.documents(1)) == [2])
    }

    /// What went another way meanwhile is said, and is no fault.
    @Test func theInboxOverHTTPStaysOpen() throws {
        let network = try node()
        try submit(network, 1...2)
        let client = try client(network)
        client.say(.take(2))
        let documents = try client.documents(2)
        let taken: AcknowledgeAnswer = try network.ask(
            "hcm", "inbox", "ack", "H29.15", documents[0].head.envelope)
        #expect(taken.taken == 1)
        client.say(.acknowledgeThrough(2))
        #expect(try client.next() == .acknowledged(2, taken: 1, gone: 1))
        #expect(try network.ledger("hcm").documents?.ended["delivered"] == 2)
    }

    /// Two agencies of one envelope are two documents; sizes from nothing to many portions and pieces.
    @Test func sizesAndAgencies() throws {
        let network = try node()
        let sizes = [0, 1, 4_097, 300_000, 9_000_000]
        for (index, size) in sizes.enumerated() {
            try submit(network, index + 1...index + 1, to: ["H29", "H29.15"], bytes: size)
        }
        let client = try client(network, ["H29.15", "000.00.00.H29"])
        client.say(.take(100))
        let documents = try client.documents(2 * sizes.count)
        for agency in ["H29", "H29.15"] {
            let own = documents.filter { $0.head.agency == agency }
            #expect(numbers(own).sorted() == Array(1...sizes.count))
            for (head, octets) in own {
                let number = try #require(Int(head.documentID.dropLast(3)))
                #expect(octets == payload(number, sizes[number - 1]), "\(number)")
            }
        }
        #expect(client.portions.allSatisfy { $0 <= TakeAnswer.portionBytesMax })
        client.say(.acknowledgeThrough(10))
        var taken = 0
        while taken == 0 {
            let said = try client.next()
            if case .acknowledged(10, let count, 0) = said { taken = Int(count) } else { #expect(said == .idle) }
        }
        #expect(taken == 10)
        try network.expectBooksBalance(["hcm"])
    }

    /// What cannot be had is said in a sentence.
    @Test func agenciesThatAreNotHere() throws {
        let network = try node()
        for (agencies, cause) in [
            (["no code!"], "unknownAgency"), (["G22"], "unknownAgency"), (["H29", "H26"], "unknownAgency"),
        ] {
            let client = try TakeClient(socket: network.folder["hcm/take.sock"], agencies: agencies)
            guard case .refused(let text) = try client.next() else { throw TestFailure("\(agencies) is not refused") }
            #expect(text.hasPrefix(cause + "\n"), "\(text)")
            #expect(client.isEnded())
        }
    }

    /// The same right as for the inbox over the control socket, and no other.
    @Test(.enabled(if: Places.isRoot, "Needs root."))
    func rightsOfUsers() throws {
        let network = try node(
            "  rights:\n    - {user: daemon, verbs: [inbox], agencies: [H29]}\n"
                + "    - {user: games, verbs: [submit_as, see], agencies: [H29.15]}")
        try submit(network, 1...1, to: ["H29.15"])
        let path = network.folder.path
        for place in [path, "\(path)/hcm"] { chmod(place, 0o755) }
        chmod("\(path)/hcm/take.sock", 0o666)
        func greeted(_ user: String, _ greeting: String) throws -> String {
            let script = """
                import os, pwd, socket
                user = pwd.getpwnam('\(user)')
                os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
                s = socket.socket(socket.AF_UNIX); s.connect('\(path)/hcm/take.sock'); s.settimeout(60)
                try: s.sendall(b'EDT1' + \(greeting) + b'\\x01\\0\\0\\0\\x0a')
                except OSError: pass
                said = b''
                while len(said) < 6:
                    try: more = s.recv(4096)
                    except OSError: break
                    if not more: break
                    said += more
                print(said.hex())
                """
            return try network.run("/usr/bin/env", ["python3", "-c", script]).output
        }
        let all = "b'\\0\\0\\0\\x02\\0\\0'"
        let other = "b'\\0\\0\\0\\x0a\\0\\x01\\0\\x06H29.15'"
        // Nothing waits for H29, and what waits for the other is not shown.
        #expect(try greeted("daemon", all) == "0000001000" + "03\n")
        #expect(try greeted("daemon", other).hasPrefix("04"))
        #expect(try greeted("games", all).hasPrefix("04"))
        #expect(try greeted("nobody", all).hasPrefix("04"))
        #expect(network.logText("hcm").contains("take: a client that has no right here was dropped"))
        #expect(try network.inbox("hcm", "H29.15").count == 1)
    }

    /// Each is answered with a sentence, and ended; whoever keeps to the protocol goes on.
    @Test func whoDoesNotKeepToTheProtocol() throws {
        let network = try node("  client_timeout: 2s\n  body_timeout: 3s")
        try submit(network, 1...3)
        let patient = try client(network)
        patient.say(.take(1))
        #expect(numbers(try patient.documents(1)) == [1])
        patient.say(.acknowledge(1))
        #expect(try patient.next() == .acknowledged(1, taken: 1, gone: 0))
        func expectRefused(_ client: TakeClient, _ location: SourceLocation = #_sourceLocation) throws {
            while true {
                switch try client.next() {
                case .refused(let text):
                    #expect(text.hasPrefix("badRequest\n"), "\(text)", sourceLocation: location)
                    #expect(client.isEnded(), sourceLocation: location)
                    return
                case .document, .idle: continue
                case let other:
                    Issue.record("\(String(describing: other)) instead of a refusal", sourceLocation: location)
                    return
                }
            }
        }
        for octets in [
            Array("EDS1".utf8), Array("GET / HTTP/1.1\r\n\r\n".utf8), [0x45, 0x44, 0x54, 0x31, 0xff, 0, 0, 0],
        ] {
            let client = try client(network, nil)
            #expect(client.write(octets))
            try expectRefused(client)
        }
        for request in [TakeRequest.acknowledge(1), .acknowledgeThrough(0), .giveBack(9), .take(.max)] {
            let client = try client(network)
            client.say(request)
            try expectRefused(client)
        }
        let unknown = try client(network)
        #expect(unknown.write([9]))
        try expectRefused(unknown)
        // Says nothing; stops in a frame; keeps what it was shown.
        let silent = try client(network, nil)
        let stopped = try client(network)
        #expect(stopped.write([2, 0, 0]))
        let keeper = try client(network)
        keeper.say(.take(2))
        #expect(numbers(try keeper.documents(2)) == [2, 3])
        for client in [silent, stopped, keeper] { #expect(client.isEnded()) }
        patient.say(.take(2))
        #expect(numbers(try patient.documents(2)) == [2, 3])
        patient.say(.acknowledgeThrough(3))
        #expect(try patient.next() == .acknowledged(3, taken: 2, gone: 0))
        let log = network.logText("hcm")
        #expect(log.contains("take: a client that has not acknowledged what it was shown was dropped"))
        #expect(log.components(separatedBy: "take: a client that stopped in the middle of a frame").count == 3)
        try network.expectBooksBalance(["hcm"])
    }

    /// It reads nothing: the daemon holds little of what it asked for, and drops it.
    @Test func aDeafClient() throws {
        let network = try node("  client_timeout: 2s")
        try submit(network, 1...40, bytes: 300_000)
        let deaf = try client(network)
        deaf.say(.take(1_000))
        // Its acknowledgements of nothing are not read for ever either.
        #expect(
            try eventually {
                network.logText("hcm").contains("take: a client that does not read its answer was dropped")
            })
        let next = try client(network)
        next.say(.take(40))
        let documents = try next.documents(40)
        #expect(numbers(documents).sorted() == Array(1...40))
        #expect(documents.contains { $0.head.marks == .mayHaveBeenShown })
    }

    /// The smallest client: each document is a file before it is acknowledged.
    @Test func theOperatorsTool() throws {
        let network = try node()
        try submit(network, 1...5, bytes: 70_000)
        try submit(network, 6...6, to: ["H29", "H29.15"], bytes: 0)
        try network.folder.makeFolder("in")
        let call = ["inbox", "take", "--to", network.folder["in"]]
        let result = try network.control("hcm", call)
        #expect(result.end == .exited(0), "\(result.errors)")
        #expect(result.output.split(separator: "\n").count == 7)
        let files = try FileManager.default.contentsOfDirectory(atPath: network.folder["in"])
        #expect(files.count == 7 && files.filter { $0.hasPrefix("H29.15_hcm-") }.count == 6)
        var found: Set<[UInt8]> = []
        for file in files { found.insert(try network.folder.bytes("in/" + file)) }
        #expect(found == Set((1...5).map { payload($0, 70_000) } + [[]]))
        #expect(try network.inbox("hcm", "H29.15").isEmpty)
        #expect(try network.ledger("hcm").documents?.ended["delivered"] == 7)
        let other = try network.control("hcm", call + ["G22"])
        #expect(other.end == .exited(1) && other.errors.contains("G22 is at home on node vpcp"), "\(other.errors)")
    }

    /// Where documents go into a spool they are not shown here as well.
    @Test func aSpoolIsTheOtherWay() throws {
        let network = try Network(plain: true)
        try network.folder.makeFolder("spool")
        for name in ["tmp", "new", "taken"] { try network.folder.makeFolder("spool/" + name) }
        try network.edit("hcm") { $0 += "spool:\n  H29.15:\n    directory: spool\n" }
        try network.start("hcm")
        let named = try TakeClient(socket: network.folder["hcm/take.sock"], agencies: ["H29.15"])
        guard case .refused(let text) = try named.next() else {
            throw TestFailure("an agency with a spool is taken from")
        }
        #expect(text.hasPrefix("hasSpool\n"))
        let all = try client(network)
        all.say(.take(5))
        #expect(try all.next() == .idle)
        try submit(network, 1...1, to: ["H29", "H29.15"])
        #expect(try all.documents(1).map(\.head.agency) == ["H29"])
        #expect(try all.next() == .idle)
    }
}
