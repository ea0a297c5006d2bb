// OfferedNames: the recipients of an offered copy, to be found by name. Made once an offer, and only where another copy is here: the copies
// that are compared with it may have many recipients, so nothing is built for each of those.

import RelayModel
import RelayRows

struct OfferedNames {
    private let only: String?
    private let places: [String: Int]
    let count: Int

    init(_ names: [String]) {
        count = names.count
        // Most copies are for one; what is compared then are bytes.
        only = names.count == 1 ? names[0] : nil
        var places: [String: Int] = [:]
        if names.count > 1 {
            places.reserveCapacity(names.count)
            for (place, name) in names.enumerated() { places[name] = place }
        }
        self.places = places
    }

    /// Where it stands among the names that were offered.
    func place(_ name: String) -> Int? {
        if let only { return only == name ? 0 : nil }
        return places[name]
    }

    func place(_ name: UnsafeRawBufferPointer) -> Int? {
        if let only {
            let utf8 = only.utf8
            return utf8.count == name.count && utf8.elementsEqual(name) ? 0 : nil
        }
        return places[String(decoding: name, as: UTF8.self)]
    }

    /// Does an envelope have all of them among the recipients that fit? No envelope has one twice.
    func areAll(in row: EnvelopeRow, where fits: (RecipientRow) -> Bool = { _ in true }) -> Bool {
        guard row.recipients.count >= count else { return false }
        var found = 0
        for recipient in row.recipients where place(recipient.name) != nil && fits(recipient) { found += 1 }
        return found >= count
    }
}
