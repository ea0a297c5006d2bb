// BundleError: why bytes are not a bundle that this program takes, or why a value cannot be made into one. A value;
// whoever catches it refuses the transfer or the submission and counts the code.

/// One rule broken, where, and a sentence for people.
public struct BundleError: Error, Hashable, Sendable {
    /// What tools count. The raw value is the word in logs and metrics.
    public enum Code: String, Sendable, CaseIterable {
        /// The bytes end before the item does.
        case truncated
        /// More octets before the payload than the limit allows.
        case headerTooLong
        /// Not well-formed CBOR (RFC 8949).
        case malformedCBOR
        /// A number or length that is not in its shortest form (RFC 9171, 4.1).
        case notDeterministic
        /// A well-formed item of another kind than the field needs.
        case wrongType
        /// An array with the wrong number of items.
        case wrongShape
        /// A count, length or depth above a limit of this program.
        case limitExceeded
        /// Octets after the end.
        case trailingOctets
        /// The first octet does not begin a bundle.
        case notABundle
        /// The outer array has a definite length (RFC 9171, 4.1).
        case definiteOuterArray
        /// Not version 7.
        case unsupportedBundleVersion
        /// A CRC type other than 0, 1 and 2 (RFC 9171, 4.2.1).
        case unknownChecksumType
        /// The CRC of a block differs from the computed one (RFC 9171, 5.6).
        case checksumMismatch
        /// An endpoint ID that is not valid in its scheme (RFC 9171, 4.2.5.1).
        case badEndpointID
        /// An endpoint ID of a scheme that is neither `dtn` nor `ipn`.
        case unknownScheme
        /// Two blocks with one number, or a number that belongs to the primary or payload block (RFC 9171, 4.1).
        case badBlockNumber
        /// A second block of a type that may occur once (RFC 9171, 4.4).
        case repeatedBlock
        /// The bundle ends without a payload block (RFC 9171, 4.1).
        case noPayload
        /// A block follows the payload block (RFC 9171, 4.1).
        case payloadNotLast
        /// The payload is a byte string of indefinite length (RFC 9171, 4.3.2).
        case indefinitePayload
        /// The payload is longer than any that can be counted here.
        case payloadTooLong
        /// The piece does not lie inside its whole, or the bundle must not be cut.
        case badFragment
        /// A hop limit outside 1...255 (RFC 9171, 4.4.3).
        case badHopCount
        /// The bundle has used up its hops (RFC 9171, 4.4.3).
        case hopLimitExceeded
        /// The document block breaks a rule of docs/protocol.md.
        case badDocument
        /// The copy block breaks a rule of docs/protocol.md.
        case badCopy
        /// A version of one of our blocks or records that this program does not know.
        case unsupportedVersion
        /// An administrative record that breaks its rules (RFC 9171, 6.1).
        case badRecord
    }

    public var code: Code
    /// Octets from the beginning of the bundle (or of the record, when one is decoded by itself) to the fault.
    public var offset: Int
    public var sentence: String

    public init(_ code: Code, at offset: Int = 0, _ sentence: String) {
        self.code = code
        self.offset = offset
        self.sentence = sentence
    }
}

extension BundleError: CustomStringConvertible {
    public var description: String { "\(code.rawValue) at octet \(offset): \(sentence)" }
}
