// Greeting: what two nodes of this make tell each other before anything else on a session: which program it is, which numbers it
// gives to bundles, what it has taken of the other's, and what it understands. Values; what is read of a peer is bounded where it
// is read (BundleProtocol, GreetingItem). A node that says nothing (0.3, and other makes) understands none of the features.

/// Something that was added to the protocol since 0.3. Nothing of it is sent to a node that has not said that it understands it.
/// A name is 1 to 32 of a–z, 0–9 and the hyphen, and is never given another meaning.
public struct Feature: Hashable, Sendable, Comparable {
    public let name: String

    public init?(_ name: String) {
        guard (1...Self.nameBytesMax).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d })
        else { return nil }
        self.name = name
    }

    private init(own name: String) { self.name = name }

    public static let nameBytesMax = 32
    /// More of a peer are passed over.
    public static let countMax = 64

    /// Block 242: the name that an envelope had before.
    public static let formerName = Feature(own: "former-name")
    /// A copy goes back along its path when another document is known at its home under its number.
    public static let returns = Feature(own: "returns")
    /// The reason of SESS_TERM that says: another one with your identity is here.
    public static let identityTwice = Feature(own: "identity-twice")

    /// Administrative record 65,537: what is refused of what was offered, and why.
    public static let refusals = Feature(own: "refusal-record")

    /// Block 244: what the maker of a record understands.
    public static let homeFeatures = Feature(own: "home-features")

    /// What this program understands, in the order of their names. Whoever adds something to the protocol adds it here.
    public static let own: [Feature] = [
        .formerName, .returns, .identityTwice, .refusals, .homeFeatures,
    ].sorted()

    public static func < (left: Feature, right: Feature) -> Bool { left.name < right.name }
}

/// The highest counter of one incarnation of a node that another node has taken, and when the bundle with it was made.
public struct TakenNumbers: Hashable, Sendable {
    public var incarnation: UInt32
    public var counter: UInt32
    /// By its maker's clock; zero where that one doubted its clock.
    public var created: UInt64

    public init(incarnation: UInt32, counter: UInt32, created: UInt64) {
        self.incarnation = incarnation
        self.counter = counter
        self.created = created
    }

    /// So many incarnations are remembered of a neighbour; the ones of which nothing has come for longest are forgotten.
    public static let countMax = 64
}

/// What a node says of itself, and of the node that it speaks to.
public struct Greeting: Hashable, Sendable {
    public var version: String
    /// The upper half of the sequence numbers that it gives at present, and the highest lower half that it has given.
    public var incarnation: UInt32
    public var counter: UInt32
    public var features: [Feature]
    /// What it has taken of the other's bundles.
    public var taken: [TakenNumbers]
    /// What its clock showed; nil: it has not said.
    public var clock: WallTime?

    public init(
        version: String, incarnation: UInt32, counter: UInt32, features: [Feature] = Feature.own,
        taken: [TakenNumbers] = [], clock: WallTime? = nil
    ) {
        self.clock = clock
        self.version = version
        self.incarnation = incarnation
        self.counter = counter
        self.features = features
        self.taken = taken
    }

    public static let versionBytesMax = 64

    /// As it stands in the middle of the names of its envelopes.
    public var incarnationText: String { Base32.text(UInt64(incarnation)) }
}
