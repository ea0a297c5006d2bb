// OutgoingBundle: a bundle on its way out: header, payload in portions out of the store, trailer. It remembers where it stands
// between two pumps and holds no payload. Fails by answering nil when the payload cannot be read.

import BundleProtocol
import NIOCore
import RelayCore
import RelayModel
import TCPCL

struct OutgoingBundle {
    let dispatch: Ticket
    /// The envelope's number on this node.
    let number: UInt64
    /// Set once the transfer has begun.
    var transfer: TransferID?
    /// Octets of the whole bundle.
    let totalLength: UInt64

    private let head: PayloadHead
    private var header: ByteBuffer?
    private var checksum: PayloadChecksum
    private var extents: ArraySlice<ExtentRange>
    /// Octets of payload that are not read yet.
    private(set) var remaining: UInt64

    init(_ dispatch: Dispatch, _ header: HeaderOctets) {
        self.dispatch = dispatch.ticket
        number = dispatch.number
        head = header.payload
        totalLength = header.bundleLength
        self.header = header.octets
        checksum = PayloadChecksum(head)
        extents = dispatch.payload[...]
        remaining = head.length
    }

    struct Portion {
        var pieces: [ByteBuffer] = []
        var bytes = 0
        var isEnd = false

        mutating func append(_ piece: ByteBuffer) {
            bytes += piece.readableBytes
            pieces.append(piece)
        }
    }

    /// The next octets, with at most `payloadBytesMax` of payload; nil when the payload cannot be read.
    mutating func nextPortion(payloadBytesMax: Int, read: (ExtentRange) -> ByteBuffer?) -> Portion? {
        var portion = Portion()
        if let header {
            portion.append(header)
            self.header = nil
        }
        var room = UInt64(max(1, payloadBytesMax))
        while remaining > 0, room > 0 {
            guard let part = takeRange(atMost: min(room, remaining)) else { return nil }
            guard let bytes = read(part), UInt64(bytes.readableBytes) == part.length else { return nil }
            checksum.update(bytes)
            portion.append(bytes)
            room -= part.length
            remaining -= part.length
        }
        if remaining == 0 {
            var trailer = ByteBuffer()
            BundleTrailer.encode(into: &trailer, after: head, checksum: checksum)
            portion.append(trailer)
            portion.isEnd = true
        }
        return portion
    }

    /// The next range of an extent; nil when the extents end before the payload does.
    private mutating func takeRange(atMost length: UInt64) -> ExtentRange? {
        while let extent = extents.first {
            let taken = min(length, extent.length)
            if taken == extent.length {
                extents.removeFirst()
            } else {
                extents[extents.startIndex].offset += taken
                extents[extents.startIndex].length -= taken
            }
            if taken > 0 { return ExtentRange(extent: extent.extent, offset: extent.offset, length: taken) }
        }
        return nil
    }
}
