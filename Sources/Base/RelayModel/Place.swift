// Place: where the fields of a value stand that many hold at a time. A copy of such a value is one reference; whoever changes one that others
// have makes a place of his own first.

/// Fields in a place of their own.
///
/// Unchecked: the fields are changed by the holder of the only reference alone (`own`), so that nobody else can look at them meanwhile.
public final class Place<Fields: Sendable>: @unchecked Sendable {
    public var fields: Fields

    public init(_ fields: Fields) { self.fields = fields }

    /// The place in which a value may be changed: its own, or a new one where others have it as well.
    @inline(__always)
    public static func own(_ place: inout Place) -> Place {
        if !isKnownUniquelyReferenced(&place) { place = Place(place.fields) }
        return place
    }
}
