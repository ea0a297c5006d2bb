// EditionBounds: how large an edition and its parts may be. What is larger is refused before it is kept.

/// The bounds of one edition as a whole. Those of its parts are constants of the format.
public struct EditionBounds: Hashable, Sendable {
    /// Rows of a whole, and lines of the changes.
    public var rowsMax: Int
    /// Octets of a file.
    public var bytesMax: Int

    public init(rowsMax: Int, bytesMax: Int) {
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
    }

    /// Eight times the country's directory: 123,000 agencies in 2024.
    public static let national = EditionBounds(rowsMax: 1_000_000, bytesMax: 256 << 20)

    /// Octets of a line without its LF.
    public static let lineBytesMax = 65_536
    /// Octets of a name in one language.
    public static let nameBytesMax = 1_024
    /// Octets of an address of mail, of a telephone number, and of what a part of a split takes.
    public static let mailBytesMax = 254
    public static let phoneBytesMax = 64
    public static let takesBytesMax = 1_024
    public static let aliasesMax = 32
    public static let homesMax = 64
    public static let statesMax = 64
    public static let partsMax = 64
    public static let addressesMax = 16
    /// Octets of one address: a name of 253 octets, a colon, a port.
    public static let addressBytesMax = 259
    /// Certificates in one list of a node, or of an authority.
    public static let certificatesMax = 16
    /// Octets of a certificate that stands in the row itself.
    public static let derBytesMax = 4_096
    public static let subtreesMax = 256
    public static let nodesMax = 4_096
    /// The number of an edition.
    public static let numberMax: UInt64 = 999_999_999
    /// Levels of agencies, the highest among them: a code of 35 octets has no more than 18 groups.
    public static let levelsMax = 18
    /// Successors one after another.
    public static let successorsMax = 16
    /// Findings of one examination; more are counted.
    public static let findingsMax = 1_000
    /// A code that is closed does not come back, and its row is not removed, for so long: the memory of duplicates.
    public static let memoryDays = 400
}
