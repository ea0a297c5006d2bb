// SpoolLook: looks whether spool directories would take documents, before any document comes. A dead disk must keep neither the start of
// the daemon nor a reload waiting: each directory is looked at on a thread of its own, all of them at the same time, and what has not
// answered after a bounded time is said to be silent. A directory whose thread still waits is not looked at again.

import Monotonic
import NIOConcurrencyHelpers

final class SpoolLook: Sendable {
    /// For the whole process: a thread that waits for a disk outlives the reload that began it.
    static let shared = SpoolLook { SpoolFolder.problem($0.directory, group: $0.group) }

    /// What is looked at. The group is looked up there as well: the names of groups may come from another machine.
    struct Place: Sendable, Hashable {
        var directory: String
        var group = ""
    }

    private let look: @Sendable (Place) -> String?
    /// Directories at which a thread looks.
    private let waiting = NIOLockedValueBox<Set<String>>([])

    /// The most that the start or a reload waits, however many directories there are.
    static let patienceSeconds = 2.0

    init(look: @escaping @Sendable (Place) -> String?) { self.look = look }

    /// What has been found so far of the directories of one call.
    private final class Findings: Sendable {
        private let left: NIOLockedValueBox<(problems: [String: String?], wanted: Int)>
        private let isComplete = MonotonicLock(value: false)

        init(wanted: Int) { left = NIOLockedValueBox(([:], wanted)) }

        func enter(_ directory: String, _ problem: String?) {
            let isLast = left.withLockedValue { left in
                left.problems[directory] = .some(problem)
                return left.problems.count == left.wanted
            }
            guard isLast else { return }
            isComplete.lock()
            isComplete.unlock(withValue: true)
        }

        func wait(seconds: Double) -> [String: String?] {
            if isComplete.lock(whenValue: true, timeoutSeconds: seconds) { isComplete.unlock() }
            return left.withLockedValue { $0.problems }
        }
    }

    /// What would keep documents from going into each of these directories, in their order; nil when nothing would.
    func problems(_ places: [Place], patienceSeconds: Double = SpoolLook.patienceSeconds) -> [String?] {
        let silence = { (directory: String) in "\(directory): its disk does not answer" }
        let asked = Dictionary(places.map { ($0.directory, $0) }) { first, _ in first }
        let free = waiting.withLockedValue { waiting in
            let free = Set(asked.keys).subtracting(waiting)
            waiting.formUnion(free)
            return free
        }
        guard !free.isEmpty else { return places.map { silence($0.directory) } }
        let findings = Findings(wanted: free.count)
        for (directory, place) in asked where free.contains(directory) {
            let failure = DetachedThread.start("spool") { [self] in
                let problem = look(place)
                waiting.withLockedValue { _ = $0.remove(directory) }
                findings.enter(directory, problem)
            }
            guard let failure else { continue }
            waiting.withLockedValue { _ = $0.remove(directory) }
            findings.enter(directory, "\(directory): \(failure)")
        }
        let found = findings.wait(seconds: patienceSeconds)
        return places.map { place in
            if let problem = found[place.directory] { problem } else { silence(place.directory) }
        }
    }
}
