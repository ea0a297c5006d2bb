// edoc-chunk-layout: the measurement that the store's chunk layout stands on (docs/chunk-layout.md). For each layout it fills a
// new store to 70 %, churns it there and drains it, ten times, with a JSON line a cycle; then it prices batches of
// small envelopes. It owns the directory that it is given and removes what it made. Single-threaded; ends with a
// sentence and status 1 when a batch fails.
//
//     edoc-chunk-layout DIRECTORY [map MiB = 512] [cycles = 10] [layout]

import Glibc
import RelayRows
import RelayStore

@main
struct ChunkLayouts {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2 else { fail("usage: edoc-chunk-layout DIRECTORY [map MiB] [cycles] [layout]") }
        let mapBytes = (arguments.count > 2 ? UInt64(arguments[2]) ?? 512 : 512) << 20
        let cycles = arguments.count > 3 ? Int(arguments[3]) ?? 10 : 10
        let only = arguments.count > 4 ? arguments[4] : nil
        for candidate in Candidate.all where only == nil || candidate.name == only {
            let directory = "\(arguments[1])/layout-\(candidate.name)"
            run(candidate, directory, mapBytes, cycles)
            remove(directory)
        }
        for count in [1, 16, 256] {
            let directory = "\(arguments[1])/layout-envelopes"
            priceEnvelopes(directory, mapBytes, perBatch: count)
            remove(directory)
        }
    }

    private static func run(_ candidate: Candidate, _ directory: String, _ mapBytes: UInt64, _ cycles: Int) {
        let store = openStore(directory, mapBytes)
        var load = Load(store: store, candidate: candidate, seed: 7)
        for cycle in 1...cycles {
            let fill = load.fill(to: mapBytes / 100 * 70)
            let churn = load.churn(batches: 100, at: mapBytes / 100 * 70)
            let drain = load.drain(to: mapBytes / 100 * 5)
            print(line(candidate.name, cycle, [fill, churn, drain], store))
        }
        fflush(nil)
    }

    private static func line(
        _ name: String, _ cycle: Int, _ phases: [Phase], _ store: LMDBStore
    ) -> String {
        let fields = zip(["fill", "churn", "drain"], phases).map { $1.fields($0) }.joined(separator: ",")
        return "{\"layout\":\"\(name)\",\"cycle\":\(cycle),\(fields),"
            + "\"fileMiB\":\(store.fileBytes >> 20),\"endMiB\":\(store.pagesEndBytes >> 20)}"
    }

    /// Envelopes of 4 KiB: a row of 400 bytes, the payload's chunks and a queue row each, `perBatch` to a commit.
    private static func priceEnvelopes(_ directory: String, _ mapBytes: UInt64, perBatch: Int) {
        let store = openStore(directory, mapBytes)
        let payload = [UInt8](repeating: 0x5a, count: 4096)
        let row = [UInt8](repeating: 0x3c, count: 400)
        var phase = Phase()
        var number: UInt64 = 0
        for _ in 0..<(perBatch == 256 ? 40 : 200) {
            phase.batch(envelopes: perBatch, bytes: UInt64(perBatch * 4096)) {
                let began = nanoseconds()
                let result = store.batch { transaction -> UInt64 in
                    for _ in 0..<perBatch {
                        number += 1
                        var cursor = ExtentCursor(extent: number)
                        payload.withUnsafeBytes { PayloadWriter.append($0, to: &cursor, in: transaction) }
                        PayloadWriter.finish(cursor, in: transaction)
                        withUnsafeBytes(of: number.bigEndian) { key in
                            row.withUnsafeBytes { transaction.put(.envelope, key, $0) }
                        }
                        withUnsafeBytes(of: (UInt64(1), number.bigEndian, number.bigEndian)) { key in
                            transaction.put(.queue, key, UnsafeRawBufferPointer(start: nil, count: 0))
                        }
                    }
                    return nanoseconds() - began
                }
                guard let rows = result.released else { fail("a batch of envelopes failed: \(result)") }
                return rows
            }
        }
        print("{\"envelopes\":\(perBatch),\(phase.fields("commit"))}")
        fflush(nil)
    }

    private static func openStore(_ directory: String, _ mapBytes: UInt64) -> LMDBStore {
        var settings = StoreSettings(node: "gate")
        settings.mapBytes = mapBytes
        settings.ballastBytes = 0
        do throws(StoreFailure) {
            return try LMDBStore(directory: directory, settings: settings)
        } catch {
            fail(error.sentence)
        }
    }

    private static func remove(_ directory: String) {
        for file in ["data.mdb", "lock.mdb", "owner.lock", "ballast"] { unlink("\(directory)/\(file)") }
        rmdir(directory)
    }
}

/// A way to cut payloads into chunks.
struct Candidate: Sendable {
    let name: String
    let layout: @Sendable (_ size: Int) -> ChunkLayout

    static let all = [
        Candidate(name: "1 page") { _ in ChunkLayout(pages: 1) },
        Candidate(name: "4 pages") { _ in ChunkLayout(pages: 4) },
        Candidate(name: "8 pages") { _ in ChunkLayout(pages: 8) },
        Candidate(name: "16 pages") { _ in ChunkLayout(pages: 16) },
        Candidate(name: "mixed 1 4 16") { size in
            ChunkLayout(pages: size < 16 << 10 ? 1 : size < 256 << 10 ? 4 : 16)
        },
    ]
}

func nanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

func fail(_ sentence: String) -> Never {
    let line = Array("edoc-chunk-layout: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(1)
}
