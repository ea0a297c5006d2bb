// CopyBlock: the content of our private extension block 241 (docs/protocol.md): whom this copy of the bundle is for,
// and its way so far. Written anew at each hop. Fails with a BundleError.

import NIOCore
import RelayModel

extension CopyDescription {
    private static let itemCount = 4

    /// Nil if the block is not ours.
    init?(from reader: inout CBORReader) throws(BundleError) {
        guard let end = try PrivateMark.read(&reader, items: UInt64(Self.itemCount)) else { return nil }
        let recipients = try reader.readRecipients(.badCopy)
        var path: [PathStop] = []
        var stops = try reader.openList(countMax: PathStop.pathStopsMax)
        path.reserveCapacity(stops.stated)
        while try stops.hasNext(&reader) {
            let stop = try reader.openArray(2)
            guard let node = NodeID(text: try reader.readText(bytesMax: EndpointID.textBytesMax)) else {
                throw reader.failure(.badCopy, "a stop of the path is not a node ID")
            }
            path.append(PathStop(node: node, time: WallTime(milliseconds: try reader.readUnsigned())))
            try reader.closeArray(stop)
        }
        try reader.closeArray(end)
        self.init(recipients: recipients, path: path)
    }

    func encoded() throws(BundleError) -> [UInt8] {
        try recipients.checkAsRecipients(.badCopy)
        guard path.count <= PathStop.pathStopsMax else {
            throw BundleError(.badCopy, "the path has more than \(PathStop.pathStopsMax) stops")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + 16 * recipients.count + 40 * path.count)
        PrivateMark.write(into: &bytes, items: Self.itemCount)
        bytes.writeCBOR(recipients: recipients)
        bytes.writeCBOR(arrayOf: path.count)
        for stop in path {
            bytes.writeCBOR(arrayOf: 2)
            bytes.writeCBOR(textOf: stop.node.endpoint)
            bytes.writeCBOR(unsigned: stop.time.milliseconds)
        }
        return bytes
    }
}

extension CanonicalBlock {
    /// A copy block, made anew at each hop.
    public static func copy(
        _ copy: CopyDescription, number: UInt64, crcType: CRCType = .crc32c
    ) throws(BundleError) -> CanonicalBlock {
        CanonicalBlock(
            type: .copy, number: number, flags: .mustBeReplicated, crcType: crcType,
            data: ByteBuffer(bytes: try copy.encoded()))
    }
}
