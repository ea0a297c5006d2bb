// WholeBundle: a bundle in memory, for tests, records and other small ones. Reading fails with a BundleError.

import NIOCore
import Trap

public struct WholeBundle: Hashable, Sendable {
    public let header: BundleHeader
    public let payload: ByteBuffer

    /// The payload must have the length that the header says.
    public init(header: BundleHeader, payload: ByteBuffer) {
        demand(header.payload.length == UInt64(payload.readableBytes), "header and payload belong together")
        self.header = header
        self.payload = payload
    }

    /// Reads a bundle that is exactly these octets; the payload shares their storage.
    public init(decoding octets: ByteBuffer) throws(BundleError) {
        var rest = octets
        var parser = BundleHeaderParser()
        guard case .header(let header, let headerLength) = try parser.parse(&rest) else {
            throw Self.truncated(octets)
        }
        guard let length = Int(exactly: header.payload.length), let payload = rest.readSlice(length: length) else {
            throw Self.truncated(octets)
        }
        var checksum = PayloadChecksum(header.payload)
        checksum.update(payload)
        let trailer = headerLength + length
        guard try BundleTrailer.decode(&rest, after: header.payload, checksum: checksum, at: trailer) else {
            throw Self.truncated(octets)
        }
        guard rest.readableBytes == 0 else {
            throw BundleError(
                .trailingOctets, at: octets.readableBytes - rest.readableBytes, "octets follow the end of the bundle")
        }
        self.header = header
        self.payload = payload
    }

    public func encode(into buffer: inout ByteBuffer) {
        header.encode(into: &buffer)
        buffer.writeImmutableBuffer(payload)
        var checksum = PayloadChecksum(header.payload)
        checksum.update(payload)
        BundleTrailer.encode(into: &buffer, after: header.payload, checksum: checksum)
    }

    private static func truncated(_ octets: ByteBuffer) -> BundleError {
        BundleError(.truncated, at: octets.readableBytes, "the octets end inside the bundle")
    }
}
