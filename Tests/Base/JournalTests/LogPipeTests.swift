// LogPipeTests: log lines to a pipe that nobody reads are not waited for, and those that are missing are counted to the last.

import Glibc
import Journal
import Monotonic
import Testing

@Suite struct LogPipeTests {
    /// Both ends of a pipe.
    private final class Ends {
        let reading: Int32
        let writing: Int32
        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
        }
        deinit {
            close(reading)
            close(writing)
        }

        /// Lines, until one is as asked.
        func lines(until isLast: (String) -> Bool) -> [String] {
            var lines: [String] = []
            var rest: [UInt8] = []
            var bytes = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reading, &bytes, bytes.count)
                guard count > 0 else { return lines }
                rest += bytes[..<count]
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    lines.append(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeFirst(end + 1)
                    if isLast(lines[lines.count - 1]) { return lines }
                }
            }
        }
    }

    private func log(_ descriptor: Int32) -> LogPipe {
        LogPipe(descriptor: descriptor) { Array("missing \($0)\n".utf8) }
    }

    @Test func whatIsReadComesWholeAndInOrder() throws {
        let ends = try Ends()
        let pipe = log(ends.writing)
        for number in 0..<500 { pipe.write(Array("line \(number)\n".utf8)) }
        #expect(ends.lines { $0 == "line 499" } == (0..<500).map { "line \($0)" })
        #expect(pipe.lostCount == 0)
    }

    /// Nobody reads: every call comes back. Then somebody does: what is there and what is said to be missing make up what was written.
    @Test func nobodyReads() throws {
        let ends = try Ends()
        let pipe = log(ends.writing)
        let text = String(repeating: "x", count: 1_000)
        let sent = 3 * LogPipe.waitingBytesMax / 1_000
        for number in 0..<sent { pipe.write(Array("\(number) \(text)\n".utf8)) }
        #expect(pipe.lostCount > 0)
        var missing = 0
        var said = 0
        let lines = ends.lines { line in
            guard line.hasPrefix("missing ") else { return false }
            missing += Int(line.dropFirst(8)) ?? 0
            said += 1
            return true
        }
        #expect(
            said == 1 && lines.count - said + missing == sent, "\(lines.count) lines, \(missing) missing of \(sent)")
        #expect(zip(lines, 0...).dropLast().allSatisfy { $0.hasPrefix("\($1) ") }, "the gap is one, at the end")
        pipe.write(Array("after\n".utf8))
        #expect(ends.lines { $0 == "after" } == ["after"])
    }

    @Test func aDescriptorThatTakesNothing() {
        let pipe = log(-1)
        for _ in 0..<10 { pipe.write(Array("x\n".utf8)) }
        pipe.flush(seconds: 0.05)
        #expect(pipe.lostCount > 0)
    }

    @Test func aWaitEndsInTime() {
        let lock = MonotonicLock(value: 0)
        #expect(!lock.lock(whenValue: 1, timeoutSeconds: 0.01))
        #expect(!lock.lock(whenValue: 1, timeoutSeconds: -1))
        lock.lock()
        lock.unlock(withValue: 1)
        #expect(lock.lock(whenValue: 1, timeoutSeconds: 0))
        lock.unlock()
    }
}
