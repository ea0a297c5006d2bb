// Our item of SESS_INIT: what is written is read, and whatever a peer may write instead makes nothing of it.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct GreetingItemTests {
    static let sample = Greeting(
        version: "0.4.0", incarnation: 0x7fff_fffe, counter: 4_000_000_000,
        features: [Feature("former-name")!, Feature("x")!],
        taken: [
            TakenNumbers(incarnation: 3, counter: 9, created: 820_454_400_000),
            TakenNumbers(incarnation: .max, counter: .max, created: 0),
        ])

    @Test func whatIsWrittenIsRead() {
        #expect(GreetingItem.decode(GreetingItem.encode(Self.sample)) == Self.sample)
        var timed = Self.sample
        timed.clock = WallTime(milliseconds: 820_454_400_000)
        #expect(GreetingItem.decode(GreetingItem.encode(timed)) == timed)
        let empty = Greeting(version: "x", incarnation: 0, counter: 0, features: [])
        #expect(GreetingItem.decode(GreetingItem.encode(empty)) == empty)
    }

    /// The longest there is fits into an extension list (TCPCL.Message.extensionBytesMax, 4,096) beside others.
    @Test func theLongestFits() {
        var long = Self.sample
        long.features = (0..<64).map { Feature("feature-\($0)-" + String(repeating: "y", count: 20))! }.sorted()
        long.taken = (0..<64).map { TakenNumbers(incarnation: .max - $0, counter: .max, created: .max) }
        let bytes = GreetingItem.encode(long)
        #expect(bytes.readableBytes < 4_000)
        #expect(GreetingItem.decode(bytes)?.taken.count == 64)
    }

    /// Every truncation and every flipped bit is nothing, or another greeting within the bounds.
    @Test func damageBreaksNothing() {
        let bytes = Array(GreetingItem.encode(Self.sample).readableBytesView)
        for length in 0..<bytes.count { #expect(GreetingItem.decode(ByteBuffer(bytes: bytes.prefix(length))) == nil) }
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(bit)
                guard let read = GreetingItem.decode(ByteBuffer(bytes: damaged)) else { continue }
                #expect(read.taken.count <= 64 && read.features.count <= 64 && read.version.utf8.count <= 64)
            }
        }
    }

    /// A later version may say more behind it; another project's item, and a version that changes the meaning, are not ours.
    @Test func laterAndForeignItems() {
        func bytes(items: Int, mark: String = "edoc", version: UInt64 = 1, more: Bool = false) -> ByteBuffer {
            var buffer = ByteBuffer()
            buffer.writeCBOR(arrayOf: items)
            buffer.writeCBOR(text: mark)
            buffer.writeCBOR(unsigned: version)
            buffer.writeCBOR(text: "1.0")
            buffer.writeCBOR(unsigned: 5)
            buffer.writeCBOR(unsigned: 6)
            buffer.writeCBOR(arrayOf: 2)
            buffer.writeCBOR(text: "x")
            buffer.writeCBOR(text: "NOT A NAME")
            buffer.writeCBOR(arrayOf: 0)
            if items > 7 { buffer.writeCBOR(unsigned: 9) }
            if more {
                buffer.writeCBOR(arrayOf: 1)
                buffer.writeCBOR(text: "later")
            }
            return buffer
        }
        let known = Greeting(version: "1.0", incarnation: 5, counter: 6, features: [Feature("x")!])
        #expect(GreetingItem.decode(bytes(items: 7)) == known)
        var timed = known
        timed.clock = WallTime(milliseconds: 9)
        #expect(GreetingItem.decode(bytes(items: 8)) == timed)
        #expect(GreetingItem.decode(bytes(items: 9, more: true)) == timed)
        #expect(GreetingItem.decode(bytes(items: 8, more: true)) == nil)
        #expect(GreetingItem.decode(bytes(items: 7, more: true)) == nil)
        #expect(GreetingItem.decode(bytes(items: 7, mark: "else")) == nil)
        #expect(GreetingItem.decode(bytes(items: 7, version: 2)) == nil)
    }

    /// It reaches terminals and logs.
    @Test func aVersionThatIsNoWordIsNothing() {
        for version in ["a b", "\u{1b}[31m", "é", String(repeating: "1", count: 65)] {
            var greeting = Self.sample
            greeting.version = version
            #expect(GreetingItem.decode(GreetingItem.encode(greeting)) == nil)
        }
    }
}
