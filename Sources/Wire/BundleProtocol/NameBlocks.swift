// NameBlocks: the contents of our private extension blocks 242 to 244 (docs/protocol.md). *Former name*: the envelope had another name
// before, of the same source. *Return*: this copy goes back along its path. *Features*: what the source of a record understands. They go
// to who understands them only. Fail with a BundleError.

import NIOCore
import RelayModel

extension CanonicalBlock {
    private static let formerNameItems = 4
    private static let returnItems = 2
    private static let featuresItems = 3

    static func formerName(_ name: BundleID, number: UInt64) -> CanonicalBlock {
        CanonicalBlock(
            type: .formerName, number: number, flags: .mustBeReplicated, data: ByteBuffer(bytes: formerNameData(name)))
    }

    static func formerNameData(_ name: BundleID) -> [UInt8] {
        var data: [UInt8] = []
        PrivateMark.write(into: &data, items: formerNameItems)
        data.writeCBOR(unsigned: name.creationTime)
        data.writeCBOR(unsigned: name.sequence)
        return data
    }

    static func returned(number: UInt64) -> CanonicalBlock {
        CanonicalBlock(
            type: .returned, number: number, flags: .mustBeReplicated, data: ByteBuffer(bytes: returnedData()))
    }

    static func returnedData() -> [UInt8] {
        var data: [UInt8] = []
        PrivateMark.write(into: &data, items: returnItems)
        return data
    }

    static func features(_ features: [Feature], number: UInt64) -> CanonicalBlock {
        CanonicalBlock(type: .features, number: number, flags: [], data: ByteBuffer(bytes: featuresData(features)))
    }

    static func featuresData(_ features: [Feature]) -> [UInt8] {
        var data: [UInt8] = []
        PrivateMark.write(into: &data, items: featuresItems)
        let list = features.prefix(Feature.countMax)
        data.writeCBOR(arrayOf: list.count)
        for feature in list { data.writeCBOR(text: feature.name) }
        return data
    }

    /// Nil if the block is not ours.
    func readFeatures() throws(BundleError) -> [Feature]? {
        try own { (reader) throws(BundleError) in
            guard let end = try PrivateMark.read(&reader, items: UInt64(Self.featuresItems)) else { return nil }
            var features: [Feature] = []
            var list = try reader.openList(countMax: Feature.countMax)
            while try list.hasNext(&reader) {
                // A name that cannot be one is of nothing that is known here.
                if let feature = Feature(try reader.readText(bytesMax: 255)) { features.append(feature) }
            }
            try reader.closeArray(end)
            return features
        }
    }

    /// Nil if the block is not ours.
    func readFormerName(of source: EndpointID) throws(BundleError) -> BundleID? {
        try own { (reader) throws(BundleError) in
            guard let end = try PrivateMark.read(&reader, items: UInt64(Self.formerNameItems)) else { return nil }
            let name = BundleID(
                source: source, creationTime: try reader.readUnsigned(), sequence: try reader.readUnsigned())
            try reader.closeArray(end)
            return name
        }
    }

    /// False if the block is not ours.
    func readReturned() throws(BundleError) -> Bool {
        let isOurs: Bool? = try own { (reader) throws(BundleError) in
            guard let end = try PrivateMark.read(&reader, items: UInt64(Self.returnItems)) else { return nil }
            try reader.closeArray(end)
            return true
        }
        return isOurs ?? false
    }
}

extension BundleHeader {
    /// Puts our blocks 242 and 243 as the next hop is to have them, in place of those that came.
    public mutating func setNames(former: BundleID?, isReturn: Bool) throws(BundleError) {
        let ours = blocks.filter { block in
            (block.type == .formerName || block.type == .returned) && !unprocessed.contains(block.number)
        }.map(\.number)
        blocks.removeAll { ours.contains($0.number) }
        formerName = former
        self.isReturn = isReturn
        guard blocks.count + (former == nil ? 0 : 1) + (isReturn ? 1 : 0) <= Self.blocksMax else {
            throw BundleError(.limitExceeded, "no room is left for the blocks of this hop")
        }
        if let former { blocks.append(.formerName(former, number: freeNumber)) }
        if isReturn { blocks.append(.returned(number: freeNumber)) }
    }

    /// Puts our block 244 into a record that is made here.
    public mutating func setFeatures(_ features: [Feature]) throws(BundleError) {
        removeFeatures()
        guard blocks.count < Self.blocksMax else {
            throw BundleError(.limitExceeded, "no room is left for the blocks of this hop")
        }
        blocks.append(.features(features, number: freeNumber))
        self.features = features
    }

    /// Takes it out for a hop that does not understand it.
    public mutating func removeFeatures() {
        let ours = blocks.filter { $0.type == .features && !unprocessed.contains($0.number) }.map(\.number)
        blocks.removeAll { ours.contains($0.number) }
        features = nil
    }

    private var freeNumber: UInt64 {
        var number = PayloadHead.number + 1
        while blocks.contains(where: { $0.number == number }) { number += 1 }
        return number
    }
}
