// GreetingItem: the value of our session extension item (docs/protocol.md, "What a neighbour understands"). Its type is of private
// use (RFC 9174, 8.4), so it begins as our blocks do, with the text `edoc` and a version. A peer writes it: whatever is not as it
// should be makes nothing of the whole, and the session goes on as with a node that says nothing. Cannot fail otherwise.

import NIOCore
import RelayModel

public enum GreetingItem {
    /// Of private use.
    public static let type: UInt16 = 0xed0c

    private static let itemCount: UInt64 = 7
    /// Later versions of this item may say more behind what is known here.
    private static let itemCountMax: UInt64 = 32

    public static func encode(_ greeting: Greeting) -> ByteBuffer {
        var buffer = ByteBuffer()
        PrivateMark.write(into: &buffer, items: Int(itemCount) + (greeting.clock == nil ? 0 : 1))
        buffer.writeCBOR(text: greeting.version)
        buffer.writeCBOR(unsigned: UInt64(greeting.incarnation))
        buffer.writeCBOR(unsigned: UInt64(greeting.counter))
        let features = greeting.features.prefix(Feature.countMax)
        buffer.writeCBOR(arrayOf: features.count)
        for feature in features { buffer.writeCBOR(text: feature.name) }
        let taken = greeting.taken.suffix(TakenNumbers.countMax)
        buffer.writeCBOR(arrayOf: taken.count)
        for numbers in taken {
            buffer.writeCBOR(arrayOf: 3)
            buffer.writeCBOR(unsigned: UInt64(numbers.incarnation))
            buffer.writeCBOR(unsigned: UInt64(numbers.counter))
            buffer.writeCBOR(unsigned: numbers.created)
        }
        if let clock = greeting.clock { buffer.writeCBOR(unsigned: clock.milliseconds) }
        return buffer
    }

    /// Nil: not ours, of a version that is not known here, or not as it should be.
    public static func decode(_ value: ByteBuffer) -> Greeting? { try? read(value) }

    private static func read(_ value: ByteBuffer) throws(BundleError) -> Greeting? {
        try CBORReader.read(value) { (reader) throws(BundleError) in try read(&reader) }
    }

    private static func read(_ reader: inout CBORReader) throws(BundleError) -> Greeting? {
        guard let count = try reader.readArrayHead(), (itemCount...itemCountMax).contains(count),
            try reader.readText(bytesMax: PrivateMark.text.utf8.count) == PrivateMark.text,
            try reader.readUnsigned() == PrivateMark.version
        else { return nil }
        let version = try reader.readText(bytesMax: Greeting.versionBytesMax)
        // It reaches terminals and logs.
        guard version.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        guard let incarnation = UInt32(exactly: try reader.readUnsigned()),
            let counter = UInt32(exactly: try reader.readUnsigned())
        else { return nil }
        var features: Set<Feature> = []
        var names = try reader.openList(countMax: Feature.countMax)
        while try names.hasNext(&reader) {
            // A name that cannot be one is of nothing that is known here.
            if let feature = Feature(try reader.readText(bytesMax: 255)) { features.insert(feature) }
        }
        var taken: [TakenNumbers] = []
        var list = try reader.openList(countMax: TakenNumbers.countMax)
        while try list.hasNext(&reader) {
            let end = try reader.openArray(3)
            guard let incarnation = UInt32(exactly: try reader.readUnsigned()),
                let counter = UInt32(exactly: try reader.readUnsigned())
            else { return nil }
            taken.append(
                TakenNumbers(incarnation: incarnation, counter: counter, created: try reader.readUnsigned()))
            try reader.closeArray(end)
        }
        let clock = count > itemCount ? WallTime(milliseconds: try reader.readUnsigned()) : nil
        for _ in min(itemCount + 1, count)..<count { try reader.skipItem() }
        try reader.expectEnd()
        return Greeting(
            version: version, incarnation: incarnation, counter: counter, features: features.sorted(), taken: taken,
            clock: clock)
    }
}
