// DatedDirectoryTests: what is so at a moment, against a model that walks the days; and who takes a code's documents.

import Editions
import RelayModel
import Testing

@Suite struct DatedDirectoryTests {
    /// What the dates of a row say, told one after another from the beginning.
    struct Model {
        var standing = AgencyStanding(state: nil, home: nil, successor: nil)

        init(_ row: AgencyRow, until moment: Moment) {
            enum Event {
                case state(AgencyState)
                case home(NodeID)
                case successor(Successor)
            }
            var events = row.states.map { ($0.from, Event.state($0.state)) }
            events += row.homes.map { ($0.from, .home($0.node)) }
            if let successor = row.successor { events.append((successor.from, .successor(successor))) }
            for (from, event) in events.sorted(by: { $0.0 < $1.0 }) {
                if from > moment { break }
                switch event {
                case .state(let state): standing.state = state
                case .home(let node): standing.home = node
                case .successor(let successor): standing.successor = successor
                }
            }
        }
    }

    @Test(arguments: UInt64(0)..<8) func aMomentIsAsTheModelSays(seed: UInt64) {
        let made = MadeDirectory(seed: seed, size: .init(agencies: 120, nodes: 6, datedChanges: 80))
        let directory = DatedDirectory(made.rows)
        #expect(directory.count == 120)
        var looked = 0
        for row in made.agencies {
            for moment in row.moments {
                for other in [moment, Moment(seconds: moment.seconds - 1), Moment(seconds: moment.seconds + 1)] {
                    #expect(directory.standing(of: row.code, at: other) == Model(row, until: other).standing)
                    looked += 1
                }
            }
        }
        #expect(looked > 400)
    }

    /// Followed by hand through the rows, a step at a time.
    @Test(arguments: UInt64(0)..<8) func takersAreAsTheModelSays(seed: UInt64) {
        let made = MadeDirectory(seed: seed, size: .init(agencies: 120, nodes: 6, datedChanges: 80))
        let directory = DatedDirectory(made.rows)
        let rows = Dictionary(uniqueKeysWithValues: made.agencies.map { ($0.code, $0) })
        var followed = 0
        for days in [-1, 0, 100, 400, 900] {
            let moment = MadeDirectory.began.adding(days: days)
            for row in made.agencies {
                var last = row
                var way = [row.code]
                while let successor = Model(last, until: moment).standing.successor, let next = rows[successor.to] {
                    last = next
                    way.append(next.code)
                }
                let state = Model(last, until: moment).standing.state
                let wanted: DatedDirectory.Taker = state == .joined ? .agency(way) : .nobody(way, state)
                #expect(directory.taker(of: row.code, at: moment) == wanted)
                for alias in row.aliases { #expect(directory.taker(of: alias, at: moment) == wanted) }
                if way.count > 1 { followed += 1 }
            }
        }
        #expect(followed > 0)
    }

    private static let closed: [(AgencyState, String)] = [(.joined, "2026-01-01"), (.closed, "2026-05-01")]

    private static func merged(_ text: String, into other: String, at: String = "2026-05-01") -> AgencyRow {
        Sample.agency(
            text, states: closed, successor: Successor(.merged, from: Sample.moment(at), to: Sample.code(other)))
    }

    @Test func takersAreFollowedToTheirEnd() {
        var directory = DatedDirectory()
        directory.insert(Sample.agency("H17", aliases: ["000.00.00.H17"]))
        directory.insert(Self.merged("H47", into: "H17", at: "2026-05-01T12:00:00+07:00"))
        directory.insert(Self.merged("OLD", into: "H47"))
        directory.insert(Sample.agency("END", states: Self.closed))
        directory.insert(Self.merged("LOST", into: "NONE"))
        directory.insert(Self.merged("X", into: "Y"))
        directory.insert(Self.merged("Y", into: "X"))
        func taker(_ text: String, _ moment: String) -> DatedDirectory.Taker {
            directory.taker(of: Sample.code(text), at: Sample.moment(moment))
        }
        func codes(_ texts: String...) -> [AgencyCode] { texts.map { Sample.code($0) } }
        #expect(taker("H47", "2026-04-30") == .agency(codes("H47")))
        // Closed in the morning, and followed at noon.
        #expect(taker("H47", "2026-05-01") == .nobody(codes("H47"), .closed))
        #expect(taker("H47", "2026-05-01T12:00:00+07:00") == .agency(codes("H47", "H17")))
        #expect(taker("OLD", "2026-05-02") == .agency(codes("OLD", "H47", "H17")))
        #expect(taker("000.00.00.H17", "2026-05-02") == .agency(codes("H17")))
        #expect(taker("H17", "2025-12-31") == .nobody(codes("H17"), nil))
        #expect(taker("END", "2026-05-02") == .nobody(codes("END"), .closed))
        #expect(taker("LOST", "2026-05-02") == .lost(codes("LOST", "NONE")))
        #expect(taker("X", "2026-05-02") == .endless(codes("X", "Y")))
        #expect(taker("NONE", "2026-05-02") == .unknown)
    }

    @Test func chainsOfSuccessorsAreBounded() {
        for (count, isEndless) in [(16, false), (17, true)] {
            var directory = DatedDirectory()
            for index in 0..<count { directory.insert(Self.merged("L\(index)", into: "L\(index + 1)")) }
            directory.insert(Sample.agency("L\(count)"))
            let taker = directory.taker(of: Sample.code("L0"), at: Sample.moment("2026-06-01"))
            if case .endless = taker { #expect(isEndless) } else { #expect(!isEndless) }
        }
    }

    @Test func theFirstOfTwoCounts() {
        var directory = DatedDirectory()
        let entered = [("A", ["B", "C"]), ("A", ["D"]), ("B", ["C"])].map {
            directory.insert(Sample.agency($0.0, aliases: $0.1))
        }
        #expect(entered == [true, false, true])
        #expect(directory.canonical(Sample.code("B")) == Sample.code("B"))
        #expect(directory.canonical(Sample.code("C")) == Sample.code("A"))
        #expect(directory.canonical(Sample.code("D")) == nil)
        #expect(directory.count == 2)
    }
}
