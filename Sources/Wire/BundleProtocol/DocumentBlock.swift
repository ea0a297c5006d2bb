// DocumentBlock: the content of our private extension block 240 (docs/protocol.md): who sent what to whom. Written
// once, by the node where the document was submitted, and immutable from then on. Fails with a BundleError.

import NIOCore
import RelayModel

extension DocumentDescription {
    private static let itemCount = 8

    /// Nil if the block is not ours.
    init?(from reader: inout CBORReader) throws(BundleError) {
        guard let end = try PrivateMark.read(&reader, items: UInt64(Self.itemCount)) else { return nil }
        let sender = try reader.readAgencyCode(.badDocument)
        let recipients = try reader.readRecipients(.badDocument)
        guard let urgency = Urgency(rawValue: UInt8(clamping: try reader.readUnsigned())) else {
            throw reader.failure(.badDocument, "the urgency is not in 0...4")
        }
        let documentID = try reader.readText(bytesMax: Self.documentIDBytesMax)
        let payloadLength = try reader.readUnsigned()
        let digest = try reader.readDigest()
        try reader.closeArray(end)
        self.init(
            sender: sender, recipients: recipients, urgency: urgency, documentID: documentID,
            payloadLength: payloadLength, digest: digest)
    }

    func encoded() throws(BundleError) -> [UInt8] {
        try recipients.checkAsRecipients(.badDocument)
        guard documentID.utf8.count <= Self.documentIDBytesMax else {
            throw BundleError(.badDocument, "the document ID is longer than \(Self.documentIDBytesMax) octets")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128 + 16 * recipients.count)
        PrivateMark.write(into: &bytes, items: Self.itemCount)
        bytes.writeCBOR(text: sender.text)
        bytes.writeCBOR(recipients: recipients)
        bytes.writeCBOR(unsigned: UInt64(urgency.rawValue))
        bytes.writeCBOR(text: documentID)
        bytes.writeCBOR(unsigned: payloadLength)
        bytes.writeCBOR(bytesHead: 32)
        for word in [digest.words.0, digest.words.1, digest.words.2, digest.words.3] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(octets: $0) }
        }
        return bytes
    }
}

extension CanonicalBlock {
    /// A document block, made once by the node where the document was submitted.
    public static func document(
        _ document: DocumentDescription, number: UInt64, crcType: CRCType = .crc32c
    ) throws(BundleError) -> CanonicalBlock {
        CanonicalBlock(
            type: .document, number: number, flags: .mustBeReplicated, crcType: crcType,
            data: ByteBuffer(bytes: try document.encoded()))
    }
}

extension CBORReader {
    fileprivate mutating func readDigest() throws(BundleError) -> Digest {
        let before = position
        var bytes = try readBytes()
        guard bytes.readableBytes == 32,
            let words = bytes.readMultipleIntegers(as: (UInt64, UInt64, UInt64, UInt64).self)
        else { throw failure(at: before, .badDocument, "the digest does not have 32 octets") }
        return Digest(words: words)
    }
}
