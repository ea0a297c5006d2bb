// EditionExamination+Ways: what needs all rows: aliases against codes, the levels of agencies, the chains of successors. Linear in
// the rows.

import RelayModel

extension EditionExamination {
    mutating func judgeAliases() {
        for fact in facts where indexOfAlias[fact.code] != nil {
            guard let owner = indexOfAlias[fact.code] else { continue }
            findings.add(
                .aliasIsCode, facts[Int(owner)].key, "the alias \(fact.code) is the code of an agency")
        }
        guard let surroundings else { return }
        for fact in facts {
            if let other = surroundings.agency(fact.code), !remit.contains(other.code) {
                findings.add(.codeTwice, fact.key, "the code is used twice")
            }
        }
        for (alias, owner) in indexOfAlias.sorted(by: { $0.key < $1.key }) {
            guard indexOfCode[alias] == nil, let other = surroundings.agency(alias) else { continue }
            // Of an agency of this authority the edition at hand is the newer word.
            if remit.contains(other.code) { continue }
            findings.add(.aliasIsCode, facts[Int(owner)].key, "the alias \(alias) is the code of an agency")
        }
    }

    // MARK: Parents

    mutating func judgeParents() {
        // 0 not seen, -1 on the way at hand, else the level.
        var levels = [Int32](repeating: 0, count: facts.count)
        for start in facts.indices where levels[start] == 0 {
            var way: [Int] = []
            var level: Int32 = 0
            var here = start
            while true {
                levels[here] = -1
                way.append(here)
                guard let parent = facts[here].parent else { break }
                guard let next = indexOfCode[parent].map({ Int($0) }) else {
                    judgeParentBeyond(parent, of: here)
                    level = 1
                    break
                }
                if levels[next] == -1 {
                    findings.add(
                        .parentCycle, facts[next].key, "its parents lead back to it, by way of \(facts[here].code)")
                    break
                }
                judgeParentClosed(next, of: here)
                if levels[next] > 0 {
                    level = levels[next]
                    break
                }
                here = next
            }
            for index in way.reversed() {
                level += 1
                levels[index] = level
                if level == Int32(EditionBounds.levelsMax) + 1 {
                    findings.add(
                        .tooDeep, facts[index].key, "it lies more than \(EditionBounds.levelsMax) levels deep")
                }
            }
        }
    }

    private mutating func judgeParentBeyond(_ parent: AgencyCode, of child: Int) {
        guard remit.contains(parent) || surroundings.map({ $0.agency(parent) == nil }) == true else { return }
        findings.add(.parentMissing, facts[child].key, "the parent \(parent) is not in the directory")
    }

    private mutating func judgeParentClosed(_ parent: Int, of child: Int) {
        guard let closed = facts[parent].closed else { return }
        if let own = facts[child].closed, own <= closed { return }
        findings.add(
            .parentClosed, facts[child].key, grade: .remark,
            "its parent \(facts[parent].code) closes at \(closed), and it does not")
    }

    // MARK: Successors

    mutating func judgeSuccessors() {
        // 0 not seen, -1 on the way at hand, else the successors from here on, and one.
        var lengths = [Int32](repeating: 0, count: facts.count)
        for start in facts.indices where lengths[start] == 0 {
            var way: [Int] = []
            var length: Int32 = 0
            var here = start
            while true {
                lengths[here] = -1
                way.append(here)
                guard let successor = facts[here].successor else { break }
                for part in successor.parts { judge(successor, part.agency, of: here) }
                judge(successor, successor.to, of: here)
                guard let next = indexOfCode[successor.to].map({ Int($0) }) else { break }
                if lengths[next] == -1 {
                    findings.add(
                        .successorCycle, facts[next].key,
                        "its successors lead back to it, by way of \(facts[here].code)")
                    break
                }
                if lengths[next] > 0 {
                    length = lengths[next]
                    break
                }
                here = next
            }
            for index in way.reversed() {
                length += 1
                lengths[index] = length
                if length == Int32(EditionBounds.successorsMax) + 2 {
                    findings.add(
                        .tooManySuccessors, facts[index].key,
                        "more than \(EditionBounds.successorsMax) successors follow one another")
                }
            }
        }
    }

    /// One that takes must be there, and take something, when it begins.
    private mutating func judge(_ successor: Successor, _ to: AgencyCode, of old: Int) {
        let state: AgencyState?
        let goesOn: Bool
        if let index = indexOfCode[to].map({ Int($0) }) {
            state = facts[index].state(at: successor.from)
            goesOn = facts[index].successor.map { $0.from <= successor.from } ?? false
        } else if remit.contains(to) {
            findings.add(.successorMissing, facts[old].key, "the successor \(to) is not in the directory")
            return
        } else {
            guard let surroundings else { return }
            guard let row = surroundings.agency(to) else {
                findings.add(.successorMissing, facts[old].key, "the successor \(to) is not in the directory")
                return
            }
            state = row.state(at: successor.from)
            goesOn = row.successor(at: successor.from) != nil
        }
        if state != .joined, !goesOn {
            let word = state?.rawValue ?? "not yet planned"
            findings.add(
                .successorTakesNothing, facts[old].key,
                "the successor \(to) takes no documents at \(successor.from): \(word)")
        }
    }
}
