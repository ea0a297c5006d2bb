// EndpointCoding: endpoint IDs and creation timestamps in CBOR (RFC 9171, 4.2.5.1 and 4.2.7). Reading fails with
// `badEndpointID` or `unknownScheme`; writing cannot fail.

import NIOCore
import RelayModel

/// The codes of the URI schemes (RFC 9171, 9.6).
private enum SchemeCode {
    static let dtn: UInt64 = 1
    static let ipn: UInt64 = 2
}

extension CBORReader {
    mutating func readEndpointID() throws(BundleError) -> EndpointID {
        // RFC 9171, 4.2.5.1: an array of two items, the scheme's code and the encoding of the scheme-specific part.
        let end = try openArray(2)
        let endpoint: EndpointID
        switch try readUnsigned() {
        case SchemeCode.dtn: endpoint = try readDTN()
        case SchemeCode.ipn: endpoint = try readIPN()
        case let code: throw failure(.unknownScheme, "URI scheme code \(code) is neither dtn (1) nor ipn (2)")
        }
        try closeArray(end)
        return endpoint
    }

    private mutating func readDTN() throws(BundleError) -> EndpointID {
        // RFC 9171, 4.2.5.1.1: dtn:none is the unsigned integer 0, all others are text.
        if try peek() >> 5 == 0 {
            guard try readUnsigned() == 0 else { throw failure(.badEndpointID, "a dtn EID is a number other than 0") }
            return .none
        }
        let before = position
        if let octets = try readTextOctets(bytesMax: EndpointID.textBytesMax - 4), octets.starts(with: "//".utf8),
            let endpoint = EndpointID(specificPart: UnsafeRawBufferPointer(rebasing: octets.dropFirst(2)))
        {
            return endpoint
        }
        // In chunks, or wrong: then the sentence says how.
        seek(to: before)
        let specificPart = try readText(bytesMax: EndpointID.textBytesMax - 4)
        guard specificPart.hasPrefix("//"), let endpoint = EndpointID(text: "dtn:" + specificPart) else {
            throw failure(at: before, .badEndpointID, "a dtn EID does not have the form dtn://name/demux")
        }
        return endpoint
    }

    private mutating func readIPN() throws(BundleError) -> EndpointID {
        // RFC 9171, 4.2.5.1.2: node and service number. RFC 9758, 6.1: the allocator may stand before them.
        let before = position
        let count = try readArrayHead()
        guard count == nil || count == 2 || count == 3 else {
            throw failure(at: before, .badEndpointID, "an ipn EID has neither two nor three numbers")
        }
        var numbers = (try readUnsigned(), try readUnsigned())
        var hasThree = count == 3
        if count == nil { hasThree = try !readBreak() }
        if hasThree {
            guard numbers.0 == 0, numbers.1 <= UInt64(UInt32.max) else {
                throw failure(at: before, .badEndpointID, "an ipn EID of an allocator other than 0 is not supported")
            }
            numbers = (numbers.1, try readUnsigned())
            if count == nil { try closeArray(.needsBreak) }
        }
        return .ipn(node: numbers.0, service: numbers.1)
    }

    /// The creation time and sequence number (RFC 9171, 4.2.7).
    mutating func readTimestamp() throws(BundleError) -> (time: UInt64, sequence: UInt64) {
        let end = try openArray(2)
        let time = try readUnsigned()
        let sequence = try readUnsigned()
        try closeArray(end)
        return (time, sequence)
    }

    /// An EID that is the ID of a node (RFC 9171, 4.2.5.2).
    mutating func readNodeID() throws(BundleError) -> NodeID {
        let before = position
        let endpoint = try readEndpointID()
        guard let node = endpoint.node, node.endpoint == endpoint else {
            throw failure(at: before, .badEndpointID, "\(endpoint.text) is not the ID of a node")
        }
        return node
    }
}

extension CBOROutput {
    /// The text of an EID, as a text string.
    mutating func writeCBOR(textOf endpoint: EndpointID) {
        if case .dtn(let rest) = endpoint {
            writeCBOR(text: "dtn://", rest)
        } else {
            writeCBOR(text: endpoint.text)
        }
    }

    mutating func writeCBOR(endpoint: EndpointID) {
        writeCBOR(arrayOf: 2)
        switch endpoint {
        case .none:
            writeCBOR(unsigned: SchemeCode.dtn)
            writeCBOR(unsigned: 0)
        case .dtn(let rest):
            writeCBOR(unsigned: SchemeCode.dtn)
            writeCBOR(text: "//", rest)
        case .ipn(let node, let service):
            writeCBOR(unsigned: SchemeCode.ipn)
            writeCBOR(arrayOf: 2)
            writeCBOR(unsigned: node)
            writeCBOR(unsigned: service)
        }
    }

    mutating func writeCBOR(time: UInt64, sequence: UInt64) {
        writeCBOR(arrayOf: 2)
        writeCBOR(unsigned: time)
        writeCBOR(unsigned: sequence)
    }
}
