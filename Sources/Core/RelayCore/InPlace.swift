// InPlace: changes of values where they stand. `dictionary[key]?.field = …` takes the whole value out, in memory of its own, and puts it
// back; these change it in its place.

extension Dictionary {
    /// Looks at the value of a key where it stands.
    @inline(__always)
    func look<Result>(_ key: Key, _ body: (borrowing Value) -> Result) -> Result? {
        index(forKey: key).map { body(values[$0]) }
    }

    /// Changes the value of a key; nothing where there is none.
    @inline(__always)
    mutating func change(_ key: Key, _ body: (inout Value) -> Void) {
        if let place = index(forKey: key) { body(&values[place]) }
    }

    /// Changes the value of a key, which is put in before where there is none.
    @inline(__always)
    mutating func change(_ key: Key, default first: @autoclosure () -> Value, _ body: (inout Value) -> Void) {
        if let place = index(forKey: key) {
            body(&values[place])
        } else {
            var value = first()
            body(&value)
            self[key] = value
        }
    }
}

extension ApartTable {
    /// Looks at the value of a key where it stands.
    @inline(__always)
    func look<Result>(_ key: Key, _ body: (borrowing Value) -> Result) -> Result? {
        index(forKey: key).map { body(values[$0]) }
    }

    /// Changes the value of a key; nothing where there is none.
    @inline(__always)
    mutating func change(_ key: Key, _ body: (inout Value) -> Void) {
        if let place = index(forKey: key) { body(&values[place]) }
    }
}
