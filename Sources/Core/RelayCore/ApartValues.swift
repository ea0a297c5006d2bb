// ApartValues: large values of which a batch changes a few, behind a picture that holds all of them (CorePicture.swift). Each stands in a
// place of its own, an array of one, so that the first change behind a picture copies that one and not hundreds that nothing has happened to.

/// An array of such values.
struct ApartArray<Element: Sendable>: RandomAccessCollection, MutableCollection, Sendable {
    private var places: [[Element]]

    init(_ elements: [Element]) { places = elements.map { [$0] } }

    var startIndex: Int { 0 }
    var endIndex: Int { places.count }

    subscript(position: Int) -> Element {
        @inline(__always) _read { yield places[position][0] }
        @inline(__always) _modify { yield &places[position][0] }
    }
}

/// A dictionary of such values.
struct ApartTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// To look at them, and to change them, where they stand.
    var values = Values()

    struct Values: MutableCollection, Sendable {
        fileprivate var places: [Key: [Value?]] = [:]
        /// What stands where there is none.
        fileprivate let none: [Value?] = [nil]

        var startIndex: Dictionary<Key, [Value?]>.Index { places.startIndex }
        var endIndex: Dictionary<Key, [Value?]>.Index { places.endIndex }
        func index(after place: Dictionary<Key, [Value?]>.Index) -> Dictionary<Key, [Value?]>.Index {
            places.index(after: place)
        }

        subscript(place: Dictionary<Key, [Value?]>.Index) -> Value {
            @inline(__always) _read { yield places.values[place][0]! }
            @inline(__always) _modify { yield &places.values[place][0]! }
        }
    }

    func key(at place: Dictionary<Key, [Value?]>.Index) -> Key { values.places.keys[place] }

    func index(forKey key: Key) -> Dictionary<Key, [Value?]>.Index? { values.places.index(forKey: key) }

    subscript(key: Key) -> Value? {
        // One `yield` each: with two the accessor is not inlined, and asks for memory at each call.
        @inline(__always) _read {
            let box = values.places[key] ?? values.none
            yield box[0]
        }
        @inline(__always) _modify {
            var box = values.none
            let place = values.places.index(forKey: key)
            if let place { swap(&box, &values.places.values[place]) }
            defer {
                if box[0] == nil {
                    values.places[key] = nil
                } else if let place {
                    swap(&box, &values.places.values[place])
                } else {
                    values.places[key] = box
                }
            }
            yield &box[0]
        }
    }

    @discardableResult
    mutating func removeValue(forKey key: Key) -> Value? { values.places.removeValue(forKey: key)?[0] }
}
