// Urgency: the class in which an envelope waits and travels.

/// The five degrees of urgency of the document rules (edXML `Priority`); a higher one goes first.
public enum Urgency: UInt8, CaseIterable, Sendable, Comparable {
    /// Thường.
    case normal = 0
    /// Khẩn.
    case urgent = 1
    /// Thượng khẩn.
    case veryUrgent = 2
    /// Hỏa tốc.
    case flash = 3
    /// Hỏa tốc hẹn giờ; treated as Hỏa tốc.
    case flashTimed = 4

    /// As the rules of document work name it (Decree 30/2020/NĐ-CP); in law it has no other language.
    public var nameInLaw: String {
        switch self {
        case .normal: "Thường"
        case .urgent: "Khẩn"
        case .veryUrgent: "Thượng khẩn"
        case .flash: "Hỏa tốc"
        case .flashTimed: "Hỏa tốc hẹn giờ"
        }
    }

    /// `3 (Hỏa tốc)`: as a sentence names it.
    public var text: String { "\(rawValue) (\(nameInLaw))" }

    public static func < (left: Urgency, right: Urgency) -> Bool { left.rawValue < right.rawValue }
}
