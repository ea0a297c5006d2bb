// Trace: what happened in a simulated world, as a hash and, when asked for, as the last lines of text. Owned by the world; one
// thread. It cannot fail. Two runs of one seed must have one hash: the decisions are the same byte for byte.

/// The record of one run.
public struct Trace {
    /// FNV-1a over times, kinds and numbers.
    public private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    public private(set) var count: UInt64 = 0
    /// Lines are kept (and their texts made) only when somebody will read them.
    public let keepsLines: Bool
    private var lines: [String] = []
    private var oldest = 0

    static let linesMax = 40_000

    public init(keepsLines: Bool) { self.keepsLines = keepsLines }

    mutating func note(_ time: UInt64, _ node: Int, _ kind: StaticString, _ number: UInt64, _ text: () -> String) {
        mix(time)
        mix(UInt64(truncatingIfNeeded: node))
        mix(number)
        kind.withUTF8Buffer { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        count += 1
        guard keepsLines else { return }
        let line = "\(time) \(text())"
        if lines.count < Self.linesMax {
            lines.append(line)
        } else {
            lines[oldest] = line
            oldest = (oldest + 1) % Self.linesMax
        }
    }

    private mutating func mix(_ number: UInt64) {
        var rest = number
        for _ in 0..<8 {
            hash = (hash ^ (rest & 0xff)) &* 0x100_0000_01b3
            rest >>= 8
        }
    }

    /// The last lines in order.
    public func last(_ count: Int) -> [String] {
        let ordered = lines[oldest...] + lines[..<oldest]
        return Array(ordered.suffix(count))
    }
}
