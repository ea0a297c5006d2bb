// EnvelopeSearch: from what an operator types to the numbers of envelopes on this node: a number, a whole name, or the beginning
// of one. Pure over one snapshot; looks at a bounded number of rows.

import RelayModel
import RelayRows

enum EnvelopeSearch {
    enum Outcome: Sendable, Hashable {
        /// One envelope; its copies on this node, the newest first. No number: its row is gone, or was never here.
        case found(BundleID, numbers: [UInt64])
        /// The names that begin so, as far as they were counted.
        case ambiguous([String])
        /// `isExhaustive`: every row was looked at.
        case nothing(isExhaustive: Bool)
    }

    /// Names shown when a beginning fits several, and names that are counted.
    static let examplesMax = 3
    static let matchesMax = 100

    static func find(_ text: String, _ rows: any RowReader) -> Outcome {
        if let number = UInt64(text) {
            guard let row = envelope(number, rows) else { return .nothing(isExhaustive: true) }
            return .found(row.bundle, numbers: [number] + copies(of: row.bundle, rows).filter { $0 != number })
        }
        if let bundle = BundleID(envelopeName: text) {
            let numbers = copies(of: bundle, rows)
            // The rest of a time may be missing: what is not there as a whole name may still begin one.
            if !numbers.isEmpty || text.hasPrefix("dtn:") || text.hasPrefix("ipn:") {
                return .found(bundle, numbers: numbers)
            }
            let outcome = findPrefix(text, rows)
            if case .nothing = outcome { return .found(bundle, numbers: []) }
            return outcome
        }
        return findPrefix(text, rows)
    }

    static func envelope(_ number: UInt64, _ rows: any RowReader) -> EnvelopeRow? {
        rows.value(.envelope, Keys.envelope(number)).flatMap { EnvelopeRow(number: number, record: $0) }
    }

    /// Numbers of the copies of one envelope, the newest first.
    static func copies(of bundle: BundleID, _ rows: any RowReader) -> [UInt64] {
        var numbers: [UInt64] = []
        rows.scan(.bundle, prefix: Keys.bundle(bundle)) { key, _ in
            numbers.append(key.number(at: key.count - 8))
            return numbers.count < 100
        }
        return numbers.reversed()
    }

    /// Goes through the envelopes of the sources that the text can mean, from the newest back.
    private static func findPrefix(_ text: String, _ rows: any RowReader) -> Outcome {
        let isForeign = text.hasPrefix("dtn:") || text.hasPrefix("ipn:")
        // A node name may itself have a hyphen: only what stands before the first one is sure.
        let source = isForeign ? String(text.prefix { $0 != "@" }) : "dtn://" + text.prefix { $0 != "-" && $0 != "@" }
        var prefix = RowKey()
        prefix.append(unended: source)
        var end = prefix
        end.append(UInt8(0xff))
        var matches: [BundleID] = []
        var scanned = 0
        while scanned < Page.scanMax, let found = rows.row(.bundle, before: end), prefix.isPrefix(of: found.key) {
            scanned += 1
            end = RowKey(copying: found.key)
            guard let bundle = bundle(found.key) else { continue }
            let name = bundle.envelopeName
            guard name.hasPrefix(text), matches.last != bundle else { continue }
            // Node, incarnation and counter are an ID by themselves: the creation time adds nothing.
            if name.hasPrefix(text + "@") { return .found(bundle, numbers: copies(of: bundle, rows)) }
            // The look goes on: an older envelope may have just this name, where all these have it and more.
            if matches.count < matchesMax { matches.append(bundle) }
        }
        if matches.isEmpty, let bundle = expected(text, rows) { return .found(bundle, numbers: []) }
        switch matches.count {
        case 0: return .nothing(isExhaustive: scanned < Page.scanMax)
        case 1: return .found(matches[0], numbers: copies(of: matches[0], rows))
        default: return .ambiguous(matches.map(\.envelopeName))
        }
    }

    /// Of this node's own: a name without its time, of which nothing is left but what is waited for. A restored store has such, by its
    /// neighbours' books.
    private static func expected(_ text: String, _ rows: any RowReader) -> BundleID? {
        guard let asked = BundleID(envelopeName: text + "@0") else { return nil }
        for isBad in [false, true] {
            var found: BundleID?
            var looked = 0
            rows.scan(.outcome, prefix: Keys.outcomes(isBad: isBad, of: asked)) { _, value in
                looked += 1
                if let row = OutcomeRow(record: value), row.about.bundle.envelopeName.hasPrefix(text + "@") {
                    found = row.about.bundle
                }
                return found == nil && looked < 1_000
            }
            if let found { return found }
        }
        return nil
    }

    /// How often a name is followed to the next one.
    static let successorsMax = 16

    /// The names under which an envelope goes on, each after the one that it follows.
    static func successors(_ copies: [EnvelopeRow], _ rows: any RowReader) -> [BundleID] {
        var found: [BundleID] = []
        for name in copies.flatMap(\.resubmittedAs) where !found.contains(name) { found.append(name) }
        var next = 0
        while next < found.count, next < successorsMax {
            for number in self.copies(of: found[next], rows).prefix(8) {
                for name in envelope(number, rows)?.resubmittedAs ?? [] where !found.contains(name) {
                    found.append(name)
                }
            }
            next += 1
        }
        return found
    }

    /// The ID in a key of the table `bundle`.
    private static func bundle(_ key: UnsafeRawBufferPointer) -> BundleID? {
        guard let end = key.firstIndex(of: 0), key.count == end + 25,
            let source = EndpointID(text: String(decoding: key[..<end], as: UTF8.self))
        else { return nil }
        return BundleID(source: source, creationTime: key.number(at: end + 1), sequence: key.number(at: end + 9))
    }
}

extension EnvelopeSearch.Outcome {
    private static func ambiguity(_ text: String, _ names: [String]) -> String {
        let some = names.prefix(EnvelopeSearch.examplesMax).map(printable).joined(separator: ", ")
        let more = names.count - EnvelopeSearch.examplesMax
        if names.count >= EnvelopeSearch.matchesMax {
            return "several envelopes begin with \(text): \(some) and at least \(more) more; give more of the name"
        }
        return more > 0
            ? "several envelopes begin with \(text): \(some) and \(more) more; give more of the name"
            : "several envelopes begin with \(text): \(some); give more of the name"
    }

    /// The envelope, or the error that says what to do.
    func resolved(_ text: String) throws -> (bundle: BundleID, numbers: [UInt64]) {
        switch self {
        case .found(let bundle, let numbers): return (bundle, numbers)
        case .ambiguous(let names):
            throw ControlError(
                status: .conflict, error: Self.ambiguity(printable(text), names), code: "ambiguous")
        case .nothing(let isExhaustive):
            throw ControlError.notFound(
                isExhaustive
                    ? "no envelope here is or begins with \(printable(text)); edocctl list shows what is here"
                    : "none of the newest \(Page.scanMax) envelopes begins with \(printable(text)); give its whole name"
            )
        }
    }
}
