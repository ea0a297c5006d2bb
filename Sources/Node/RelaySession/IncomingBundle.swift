// IncomingBundle: one bundle as its octets pass, in any portions: header, payload, end. A value that holds at most an unfinished
// header or trailer; payload is handed on. Fails with a BundleError, after which it is not to be used again.

import BundleProtocol
import NIOCore

struct IncomingBundle {
    enum Part {
        indirect case header(BundleHeader)
        case payload(ByteBuffer)
    }

    private enum Stage {
        case header
        case payload
        case trailer
        case complete
    }

    private var stage = Stage.header
    private var parser = BundleHeaderParser()
    private var head: PayloadHead?
    private var checksum: PayloadChecksum?
    private var remaining: UInt64 = 0
    private var trailer = ByteBuffer()

    /// Octets of an unfinished header or trailer.
    var heldBytes: Int { parser.heldBytes + trailer.readableBytes }

    /// Takes octets up to the next part that is worth telling; nil when the input is used up.
    mutating func next(_ input: inout ByteBuffer) throws(BundleError) -> Part? {
        while true {
            switch stage {
            case .header:
                guard case .header(let header, _) = try parser.parse(&input) else { return nil }
                head = header.payload
                checksum = PayloadChecksum(header.payload)
                remaining = header.payload.length
                stage = remaining > 0 ? .payload : .trailer
                return .header(header)
            case .payload:
                let length = Int(min(remaining, UInt64(input.readableBytes)))
                guard length > 0, let slice = input.readSlice(length: length) else { return nil }
                checksum?.update(slice)
                remaining -= UInt64(length)
                if remaining == 0 { stage = .trailer }
                return .payload(slice)
            case .trailer:
                guard try takeTrailer(&input) else { return nil }
                stage = .complete
            case .complete:
                guard input.readableBytes == 0 else {
                    throw BundleError(.trailingOctets, "octets follow the end of the bundle in its transfer")
                }
                return nil
            }
        }
    }

    /// The transfer has ended: so must the bundle.
    func finish() throws(BundleError) {
        guard stage == .complete else {
            throw BundleError(.truncated, "the transfer ends inside the bundle")
        }
    }

    private mutating func takeTrailer(_ input: inout ByteBuffer) throws(BundleError) -> Bool {
        guard let head, let checksum else { return false }
        let missing = head.trailerLength - trailer.readableBytes
        guard var more = input.readSlice(length: min(missing, input.readableBytes)) else { return false }
        trailer.writeBuffer(&more)
        return try BundleTrailer.decode(&trailer, after: head, checksum: checksum)
    }
}
