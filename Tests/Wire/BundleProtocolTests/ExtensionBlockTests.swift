// ExtensionBlockTests: contents of the blocks that are processed here, the rules for all, and the fate of the others.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct ExtensionBlockTests {
    private func header(_ blocks: [CanonicalBlock], flags: BundleFlags = []) throws(BundleError) -> BundleHeader {
        let payload = try PayloadHead(length: 5)
        return try BundleHeader(primary: Samples.primary(flags: flags), blocks: blocks, payload: payload)
    }

    private func block(_ type: UInt64, _ number: UInt64, _ hex: String, flags: BlockFlags = []) -> CanonicalBlock {
        CanonicalBlock(type: BlockType(rawValue: type), number: number, flags: flags, data: ByteBuffer(hex: hex))
    }

    private func code(_ blocks: [CanonicalBlock]) -> BundleError.Code? {
        do throws(BundleError) {
            _ = try header(blocks)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func standardContents() throws {
        let header = try header([
            .previousNode(Samples.node, number: 9), .bundleAge(Milliseconds(70_000), number: 3),
            .hopCount(HopCount(limit: 255, count: 300), number: 2),
        ])
        #expect(header.previousNode == Samples.node.endpoint)
        #expect(header.age == Milliseconds(70_000))
        #expect(header.hopCount?.isExceeded == true)
        #expect(header.unprocessed == [])
    }

    @Test func numbersAndRepetitions() {
        #expect(code([block(50, 2, "00"), block(51, 2, "00")]) == .badBlockNumber)
        #expect(code([block(50, 1, "00")]) == .badBlockNumber)
        #expect(code([block(50, 0, "00")]) == .badBlockNumber)
        #expect(code([block(50, 2, "00"), block(50, 3, "00")]) == nil)
        #expect(code([block(7, 2, "00"), block(7, 3, "00")]) == .repeatedBlock)
        #expect(code([block(6, 2, "820100"), block(6, 3, "820100")]) == .repeatedBlock)
        #expect(code([block(10, 2, "820100"), block(10, 3, "820100")]) == .repeatedBlock)
        #expect(code((2...66).map { block(50, $0, "") }) == .limitExceeded)
    }

    @Test func malformedContents() {
        #expect(code([block(7, 2, "")]) == .truncated)
        #expect(code([block(7, 2, "0000")]) == .trailingOctets)
        #expect(code([block(10, 2, "820000")]) == .badHopCount)
        #expect(code([block(10, 2, "8219010000")]) == .badHopCount)
        #expect(code([block(10, 2, "8101")]) == .wrongShape)
        #expect(code([block(6, 2, "820500")]) == .unknownScheme)
    }

    @Test func documentOctets() throws {
        let block = try CanonicalBlock.document(Samples.document, number: 2)
        #expect(
            block.data.hex
                == "88" + "6465646f63" + "01" + "63473232" + "82" + "664832392e3135" + "6d3030302e30302e30302e473232"
                + "03" + "6a31322f43c4902d545467" + "05"
                + "5820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        #expect(block.flags == .mustBeReplicated)
        let header = try header([block])
        #expect(header.document == Samples.document)
    }

    @Test func copyOctets() throws {
        let block = try CanonicalBlock.copy(Samples.copy, number: 2)
        #expect(
            block.data.hex
                == "84" + "6465646f63" + "01" + "81664832392e3135" + "8182" + "6b64746e3a2f2f767063702f"
                + "1b000000ba43b74000")
        #expect(try header([block]).copy == Samples.copy)
    }

    @Test func foreignPrivateBlocks() throws {
        for hex in ["", "00", "80", "84616101", "8165656e766f79", "82" + "6465646f62" + "01", "ff", "6465646f63"] {
            let header = try header([block(240, 2, hex), block(241, 3, hex), block(240, 4, hex)])
            #expect(header.document == nil)
            #expect(header.copy == nil)
            #expect(header.unprocessed == [2, 3, 4])
        }
    }

    @Test func laterVersionsAndRepetition() throws {
        #expect(code([block(240, 2, "82" + "6465646f63" + "02")]) == .unsupportedVersion)
        #expect(code([block(241, 2, "83" + "6465646f63" + "00" + "80")]) == .unsupportedVersion)
        let document = try CanonicalBlock.document(Samples.document, number: 2)
        let copy = try CanonicalBlock.copy(Samples.copy, number: 3)
        #expect(code([document, try .document(Samples.document, number: 4)]) == .repeatedBlock)
        #expect(code([copy, try .copy(Samples.copy, number: 4)]) == .repeatedBlock)
        // Another project's block beside ours is nobody's business.
        #expect(code([document, block(240, 4, "00")]) == nil)
    }

    @Test func documentRules() throws {
        let sender = "63473232"
        let tail = "03" + "6161" + "05" + "5820" + String(repeating: "00", count: 32)
        func document(_ sender: String, _ recipients: String, _ tail: String) -> BundleError.Code? {
            code([block(240, 2, "886465646f6301" + sender + recipients + tail)])
        }
        #expect(document(sender, "8163473232", tail) == nil)
        #expect(document(sender, "9f63473232ff", tail) == nil)
        #expect(document(sender, "80", tail) == .badDocument)
        #expect(document(sender, "8263473232" + "63473232", tail) == .badDocument)
        #expect(document(sender, "81" + "632e4732", tail) == .badDocument)
        #expect(document("60", "8163473232", tail) == .badDocument)
        #expect(document(sender, "8163473232", "05" + tail.dropFirst(2)) == .badDocument)
        #expect(document(sender, "8163473232", "190103" + tail.dropFirst(2)) == .badDocument)
        #expect(document(sender, "8163473232", "036161" + "05" + "4100") == .badDocument)
        #expect(document(sender, "8163473232", tail + "00") == .trailingOctets)
        #expect(document(sender, "9903e9" + String(repeating: "63473232", count: 1_001), tail) == .limitExceeded)
        #expect(code([block(240, 2, "876465646f6301")]) == .wrongShape)
        var tooMany = Samples.document
        tooMany.recipients = (0...1_000).map { AgencyCode("A\($0)")! }
        #expect(throws: BundleError.self) { try CanonicalBlock.document(tooMany, number: 2) }
        var longID = Samples.document
        longID.documentID = String(repeating: "x", count: 513)
        #expect(throws: BundleError.self) { try CanonicalBlock.document(longID, number: 2) }
    }

    @Test func copyRules() throws {
        let start = "846465646f6301" + "8163473232"
        let stop = "82" + "6864746e3a2f2f612f" + "01"
        #expect(code([block(241, 2, start + "80")]) == nil)
        #expect(code([block(241, 2, start + "81" + stop)]) == nil)
        #expect(code([block(241, 2, start + "9840" + String(repeating: stop, count: 64))]) == nil)
        #expect(code([block(241, 2, start + "9841" + String(repeating: stop, count: 65))]) == .limitExceeded)
        #expect(code([block(241, 2, start + "9f" + String(repeating: stop, count: 65) + "ff")]) == .limitExceeded)
        #expect(code([block(241, 2, start + "8182" + "6864746e3a2f2f6162" + "01")]) == .badCopy)
        var long = Samples.copy
        long.path = Array(repeating: long.path[0], count: 65)
        #expect(throws: BundleError.self) { try CanonicalBlock.copy(long, number: 2) }
        long.recipients = []
        #expect(throws: BundleError.self) { try CanonicalBlock.copy(long, number: 2) }
    }

    @Test func demandsOfUnknownBlocks() throws {
        var header = try header([
            block(50, 2, "00", flags: [.discardIfUnprocessed, .reportIfUnprocessed]), block(51, 3, "00"),
            block(52, 4, "00", flags: .discardIfUnprocessed), .bundleAge(.zero, number: 5),
        ])
        #expect(header.demands == .init(deletesBundle: false, wantsReport: true, discardedBlocks: [2, 4]))
        header.discardUnprocessedBlocks()
        #expect(header.blocks.map(\.number) == [3, 5])
        #expect(header.unprocessed == [3])
        let deleting = try self.header([block(50, 2, "00", flags: [.deleteBundleIfUnprocessed, .discardIfUnprocessed])])
        #expect(deleting.demands == .init(deletesBundle: true, wantsReport: false, discardedBlocks: []))
        let record = try self.header([block(50, 2, "00", flags: .reportIfUnprocessed)], flags: .isAdministrativeRecord)
        #expect(record.demands.wantsReport == false)
        #expect(record.issues.map(\.code) == [.blockRequestsReports])
    }

    @Test func encryptedBlocksStayClosed() throws {
        // A confidentiality block covers the age block, whose data is ciphertext then.
        let security = block(12, 4, "8102" + "02" + "00")
        var header = try header([block(7, 2, "deadbeef"), security])
        #expect(header.age == nil)
        #expect(header.unprocessed == [2, 4])
        try header.prepareForForwarding(previousNode: Samples.node, age: Milliseconds(9))
        #expect(header.blocks.filter { $0.type == .bundleAge }.map(\.data.hex) == ["deadbeef"])
        #expect(header.age == nil)
        #expect(code([block(7, 2, "deadbeef")]) != nil)
    }
}
