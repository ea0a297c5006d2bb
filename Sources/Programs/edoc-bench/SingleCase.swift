// SingleCase: one envelope at a time, fifty a second: from the moment at which it was due to be submitted to the commit at the
// recipient's home. Counting from the due time keeps a slow one from hiding those that had to wait for it.

import Glibc
import Histogram
import NIOCore
import RelayNode

enum SingleCase {
    static let perSecond = 50

    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 100 : 1_500
        let network = try Network(place)
        defer { network.end() }
        try network.make(homes: [Network.first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        let disk = try DiskRate.measure(place)
        let home = try network.watch("hcm")
        let watches = ["vpcp": try network.watch("vpcp"), "truc": try network.watch("truc"), "hcm": home]
        // Timers of this thread are exact to microseconds instead of 50.
        try? Folder.write("1", to: "/proc/thread-self/timerslack_ns")
        _ = try series(network, home, place.isQuick ? 10 : 100)
        let before = try NodeCosts(network, watches)
        let found = try series(network, home, count)
        let after = try NodeCosts(network, watches)
        func milliseconds(_ percentile: Double) -> Double { Double(found.times.valueAtPercentile(percentile)) / 1e6 }
        let accepted = Double(found.accepted.valueAtPercentile(50)) / 1e6
        var result = CaseResult()
        result.targets = [
            .reach("p50 from submit request to arrived commit", "ms", milliseconds(50)),
            .reach("p99", "ms", milliseconds(99)), .reach("longest", "ms", Double(found.times.max) / 1e6),
        ]
        result.figures = [
            ("envelopes", .count(count)), ("perSecond", .count(perSecond)), ("p50ms", .real(milliseconds(50))),
            ("p90ms", .real(milliseconds(90))), ("p99ms", .real(milliseconds(99))),
            ("maxms", .real(Double(found.times.max) / 1e6)), ("acceptedP50ms", .real(accepted)),
            ("disk", disk.figure), ("nodes", before.figure(until: after, envelopes: count)),
        ]
        return result
    }

    private struct Series {
        var times: Histogram<UInt64>
        var accepted: Histogram<UInt64>
    }

    private static func series(_ network: Network, _ home: StoreWatch, _ count: Int) throws -> Series {
        var found = Series(
            times: Histogram<UInt64>(highestTrackableValue: 120_000_000_000, numberOfSignificantValueDigits: .three),
            accepted: Histogram<UInt64>(highestTrackableValue: 120_000_000_000, numberOfSignificantValueDigits: .three))
        let plan = LoadPlan(socket: network.submitSocket("vpcp"), count: count)
        let template = try FrameTemplate(plan)
        let socket = try Socket(unix: plan.socket)
        socket.setNonblocking()
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: template.bytes.count, alignment: 16)
        defer { frame.deallocate() }
        var arrived = try home.arrived()
        let start = Instant.now() + 20_000_000
        for index in 0..<count {
            let due = start + UInt64(index) * UInt64(1_000_000_000 / perSecond)
            while Instant.now() < due { Instant.pause(microseconds: 50) }
            template.write(UInt64(index), to: frame.baseAddress!)
            // A frame of 4 KiB fits the empty buffer of the socket.
            try socket.writeAll(UnsafeRawBufferPointer(frame))
            var answers = ByteBuffer()
            var isAnswered = false
            while true {
                if !isAnswered, try answer(socket, &answers) {
                    found.accepted.record(Instant.now() - due)
                    isAnswered = true
                }
                if try home.arrived() > arrived { break }
                guard Instant.seconds(since: due) < 60 else { throw BenchFailure("an envelope did not arrive") }
                Instant.pause(microseconds: 50)
            }
            found.times.record(Instant.now() - due)
            arrived += 1
            while !isAnswered { isAnswered = try answer(socket, &answers) }
        }
        return found
    }

    /// True when the answer has come.
    private static func answer(_ socket: Socket, _ buffer: inout ByteBuffer) throws -> Bool {
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1_024) {
            max(read(socket.descriptor, $0.baseAddress, $0.count), 0)
        }
        guard let answer = BulkAnswer.read(from: &buffer) else { return false }
        if case .refused(_, let text) = answer { throw BenchFailure("an envelope was refused: \(text)") }
        return true
    }
}
