// Narrowing: what is tried after a batch found no room in a store whose free pages do not lie together. A value of the one who runs the
// engine; it decides and does nothing. The engine is put back as it was before the batch, so that no session hears of it.
//
// The same inputs are tried in rows of one page each; then one by one; then none of them, to learn whose fault it is. The one for which
// alone there is no room is refused by itself. What accepts nothing is never refused: it waits until there is room, and only when that
// takes too long is the engine built anew.

public struct Narrowing: Sendable {
    /// What the next batch is.
    public enum Step: Sendable, Equatable {
        /// As it comes.
        case wide
        /// In rows of one page.
        case lean
        /// One input.
        case single
        /// No input.
        case none
    }
    public enum Advice: Sendable, Equatable {
        /// Run the next batch.
        case again
        /// The first input has no room by itself: put `foundNoRoom` of it in its place.
        case refuseFirst
        /// Wait this long, and run the next batch.
        case wait(milliseconds: UInt32)
        /// Build the engine anew.
        case startOver
    }

    public private(set) var step = Step.wide
    /// Inputs that are still tried one by one.
    private var singles = 0
    private var waits: UInt32 = 0
    private static let singlesAfterRefusal = 16
    private static let waitsMax: UInt32 = 40

    public init() {}

    public var isLean: Bool { step != .wide }

    /// How many of the inputs that wait the next batch is given.
    public func share(of count: Int) -> Int {
        switch step {
        case .wide, .lean: count
        case .single: min(count, 1)
        case .none: 0
        }
    }

    /// The batch of this step found no room. `first`: the first input that waits.
    public mutating func foundNoRoom(first: EngineInput?) -> Advice {
        switch step {
        case .wide:
            step = .lean
            return .again
        case .lean where first != nil:
            step = .single
            singles = Self.singlesAfterRefusal
            return .again
        case .single where first?.isRefusable ?? false:
            step = .none
            return .again
        case .lean, .single, .none:
            // Not even what accepts nothing has room: somebody else must let go first.
            waits += 1
            if waits > Self.waitsMax { return .startOver }
            if step == .none { step = .single }
            return .wait(milliseconds: min(10 << min(waits, 7), 1_000))
        }
    }

    /// The batch of this step is durable, or had nothing to write.
    public mutating func went() -> Advice {
        waits = 0
        switch step {
        case .wide: break
        case .lean: step = .wide
        case .single:
            singles -= 1
            if singles <= 0 { step = .wide }
        case .none:
            step = .single
            singles = Self.singlesAfterRefusal
            return .refuseFirst
        }
        return .again
    }
}

extension EngineInput {
    /// True for what belongs to a document that is being accepted: it can be refused without harm to anything else.
    var isRefusable: Bool {
        switch self {
        case .offered, .offerBytes, .offerCompleted, .submitted, .submissionBytes, .submissionCompleted: true
        default: false
        }
    }
}
