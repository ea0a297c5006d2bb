// SpoolWorkersTests: a disk that never answers holds up its own directory and nothing else, is told of once, and is not waited for.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RelayCore
import RelayEngine
import RelayModel
import TestNetwork
import Testing

@testable import RelayNode

/// Something that can be waited for, from any number of threads.
final class Gate: Sendable {
    private let lock = ConditionLock(value: false)
    func open() {
        lock.lock()
        lock.unlock(withValue: true)
    }
    func pass() {
        lock.lock(whenValue: true)
        lock.unlock()
    }
}

@Suite struct SpoolWorkersTests {
    private static let loop = MultiThreadedEventLoopGroup.singleton.any()

    /// Workers with a clock that is set by hand, and `/dead`, whose calls return when the gate is open.
    private final class Bench: Sendable {
        let gate = Gate()
        let time = NIOLockedValueBox(NIODeadline.uptimeNanoseconds(1_000_000_000))
        let said = NIOLockedValueBox<[String]>([])
        let groups = NIOLockedValueBox<[[UInt64]]>([])
        let workers: SpoolWorkers

        init() {
            workers = SpoolWorkers(
                now: { [time] in time.withLockedValue { $0 } },
                report: { [said] inputs in said.withLockedValue { $0 += inputs.map(Self.text) } },
                act: { [gate, groups] steps, _ in
                    groups.withLockedValue { $0.append(steps.map(\.ticket.number)) }
                    if steps[0].directory == "/dead" { gate.pass() }
                    return steps.map { .event(.handedOver(ticket: $0.ticket, folder: 1)) }
                })
        }

        private static func text(_ input: EngineInput) -> String {
            guard case .event(let event) = input else { return "?" }
            switch event {
            case .handedOver(let ticket, _): return "done \(ticket.number)"
            case .handOverFailed(let ticket, _): return "failed \(ticket.number)"
            case .spoolStalled(let agency, let directory, let after):
                return "\(agency) \(directory) silent for \(after.count)"
            case .spoolAnswers(let agency): return "\(agency) answers"
            default: return "?"
            }
        }

        func perform(_ ticket: UInt64, _ directory: String) { perform([ticket], directory) }

        func perform(
            _ tickets: [UInt64], _ directory: String, _ step: HandOver.Step = .move(folder: 1, document: nil),
            agency: String = "H29"
        ) {
            workers.perform(
                tickets.map { ticket in
                    HandOver(
                        ticket: Ticket(ticket), agency: AgencyCode(agency)!, number: ticket,
                        bundle: BundleID(source: .none, creationTime: 0, sequence: ticket), directory: directory,
                        file: "file \(ticket)", step: step, patience: .seconds(30))
                })
        }

        /// A step that is under way by itself, whatever is ordered behind it.
        func begin(_ ticket: UInt64, _ directory: String) throws {
            perform(ticket, directory)
            #expect(try eventually { groups.withLockedValue { $0.contains([ticket]) } })
        }

        func pass(_ seconds: Int64) { time.withLockedValue { $0 = $0 + .seconds(seconds) } }

        var words: [String] { said.withLockedValue { $0 } }

        /// What has been said, once that many things have been.
        func said(_ count: Int) throws -> [String] {
            _ = try eventually { words.count >= count }
            return words
        }
    }

    @Test func aDeadDiskHoldsUpNobodyElse() async throws {
        let bench = Bench()
        defer { bench.gate.open() }
        // More steps than there could be threads for all directories together.
        try bench.begin(1, "/dead")
        for ticket in 2...100 { bench.perform(UInt64(ticket), "/dead") }
        bench.perform(201, "/live")
        #expect(try bench.said(1) == ["done 201"])
        bench.workers.look()
        bench.pass(29)
        bench.workers.look()
        #expect(bench.words.count == 1)
        bench.pass(1)
        // Once, however often one looks.
        bench.workers.look()
        bench.workers.look()
        #expect(try bench.said(2)[1...] == ["H29 /dead silent for 30000"])
        bench.perform(202, "/live")
        bench.perform(203, "/other")
        #expect(Set(try bench.said(4)[2...]) == ["done 202", "done 203"])
        #expect(try eventually { bench.workers.busy == ["/dead"] })

        // The end waits a bounded time, and nothing more is begun.
        bench.workers.stop()
        #expect(await bench.workers.ended(within: .milliseconds(20), on: Self.loop) == false)
        bench.gate.open()
        #expect(await bench.workers.ended(within: .seconds(60), on: Self.loop))
        #expect(bench.words[4...] == ["done 1"], "told to nobody who has forgotten")
        bench.perform(204, "/live")
        #expect(bench.workers.busy.isEmpty)
    }

    /// What is ordered together, and what has queued up behind a group, goes together: of one kind and one agency, and no more than may.
    @Test func groups() throws {
        let bench = Bench()
        let large = HandOver.Step.write(
            payload: [], length: 20 << 20, digest: nil, spool: Spool(agency: AgencyCode("H29")!, directory: "/dead"))
        bench.perform([1, 2, 3], "/dead")
        #expect(try eventually { bench.groups.withLockedValue { $0 } == [[1, 2, 3]] })
        bench.perform(Array(4...4 + UInt64(SpoolWorkers.groupMax)), "/dead")
        bench.perform([200], "/dead", .discard)
        bench.perform([201, 202], "/dead", large)
        bench.perform([203], "/dead", .discard)
        bench.perform([204], "/dead", .discard, agency: "H26")
        bench.gate.open()
        #expect(try eventually { bench.workers.busy.isEmpty })
        let last = 4 + UInt64(SpoolWorkers.groupMax)
        #expect(
            bench.groups.withLockedValue { $0 } == [
                [1, 2, 3], Array(4..<last), [last], [200], [201], [202], [203], [204],
            ])
        // One report for each group, in order.
        #expect(bench.words == (1...last).map { "done \($0)" } + (200...204).map { "done \($0)" })
    }

    /// Steps of a directory keep their order; that the disk answers again is said before what it answers.
    @Test func itAnswersAgain() throws {
        let bench = Bench()
        try bench.begin(1, "/dead")
        for ticket in 2...3 { bench.perform(UInt64(ticket), "/dead") }
        bench.pass(31)
        bench.workers.look()
        bench.gate.open()
        #expect(
            try bench.said(5) == ["H29 /dead silent for 30000", "H29 answers", "done 1", "done 2", "done 3"])
        #expect(try eventually { bench.workers.busy.isEmpty })
    }

    /// The engine that comes after one that started over is told as well, and what had not begun is dropped.
    @Test func anEngineThatStartsOver() throws {
        let bench = Bench()
        try bench.begin(1, "/dead")
        bench.perform(2, "/dead")
        bench.pass(31)
        bench.workers.look()
        bench.workers.reset()
        bench.workers.look()
        bench.perform(3, "/dead")
        bench.gate.open()
        let silent = "H29 /dead silent for 30000"
        #expect(try bench.said(5) == [silent, silent, "H29 answers", "done 1", "done 3"])
    }

    /// Directories are looked at side by side, for a bounded time; one that hangs is not looked at twice.
    @Test func aLookAtDeadDisks() throws {
        let gate = Gate()
        let looks = NIOLockedValueBox<[String]>([])
        let look = SpoolLook { place in
            let directory = place.directory
            looks.withLockedValue { $0.append(directory) }
            if directory.hasPrefix("/dead") { gate.pass() }
            return directory == "/bad" ? "/bad/tmp is not there" : nil
        }
        defer { gate.open() }
        func problems(_ directories: [String], _ seconds: Double) -> [String?] {
            look.problems(directories.map { SpoolLook.Place(directory: $0) }, patienceSeconds: seconds)
        }
        let directories = ["/good", "/dead/1", "/bad", "/dead/2"]
        #expect(problems(["/good", "/bad"], 60) == [nil, "/bad/tmp is not there"])
        let silent = ["/dead/1: its disk does not answer", "/dead/2: its disk does not answer"]
        // The two good ones are told if they have been looked at in that time.
        let first = problems(directories, 0.05)
        #expect([first[1], first[3]] == silent)
        #expect(problems(["/dead/2"], 60) == [silent[1]])
        #expect(looks.withLockedValue { $0.count { $0.hasPrefix("/dead") } } <= 2)
        gate.open()
        #expect(try eventually { problems(["/dead/1", "/dead/2"], 60) == [nil, nil] })
    }
}
