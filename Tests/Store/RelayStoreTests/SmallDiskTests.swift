// A store on a file system that is full. It needs a file system of its own, which only root can mount.

import Glibc
import RelayRows
import RelayStore
import Testing

/// A file system in memory of a given size, unmounted at the end.
private final class SmallDisk {
    let path: String

    init?(mebibytes: Int) {
        var template = Array("/tmp/store-disk-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No temporary directory.")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") != 0 {
            rmdir(path)
            return nil
        }
    }

    deinit {
        umount(path)
        rmdir(path)
    }

    /// Another program's file: all that is left but `bytes`.
    func occupyAll(but bytes: UInt64) {
        var facts = statvfs()
        precondition(statvfs(path, &facts) == 0, "No figures of the small disk.")
        let free = UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
        guard free > bytes else { return }
        let file = open("\(path)/somebody", O_CREAT | O_WRONLY | O_APPEND, 0o600)
        var length = stat()
        fstat(file, &length)
        precondition(posix_fallocate(file, length.st_size, off_t(free - bytes)) == 0, "The small disk is smaller.")
        close(file)
    }
}

@Suite struct SmallDiskTests {
    private static let canMount = SmallDisk(mebibytes: 1) != nil

    private var settings: StoreSettings {
        var settings = StoreSettings.small(mapBytes: 256 << 20)
        settings.reserveBytes = 6 << 20
        settings.ballastBytes = 4 << 20
        settings.aheadBytes = 8 << 20
        return settings
    }

    private func add(_ extent: UInt64, to store: LMDBStore) -> CommitResult<Void> {
        store.batch { rows in
            var cursor = ExtentCursor(extent: extent)
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: extent), count: 300_000)
            bytes.withUnsafeBytes { PayloadWriter.append($0, to: &cursor, in: rows) }
            PayloadWriter.finish(cursor, in: rows)
        }
    }

    @Test(.enabled(if: canMount, "Mounting a small file system needs root."), arguments: [false, true])
    func aFullDiskStopsAcceptanceAndNotTheDrain(isOccupiedInBetween: Bool) throws {
        let disk = try #require(SmallDisk(mebibytes: 64))
        let directory = "\(disk.path)/store"
        var extents: UInt64 = 0
        do {
            let store = try LMDBStore(directory: directory, settings: settings)
            if isOccupiedInBetween {
                for _ in 0..<20 {
                    extents += 1
                    #expect(add(extents, to: store).isDurable)
                }
                disk.occupyAll(but: 0)
            }
            while extents < 20 || store.headRoom.acceptableBytes > 400_000 {
                extents += 1
                guard case .durable = add(extents, to: store) else {
                    Issue.record("A commit failed within the head room.")
                    return
                }
            }
        }
        #expect(extents >= (isOccupiedInBetween ? 20 : 120))
        // The other program takes what is left; the store opens all the same.
        disk.occupyAll(but: 0)
        let store = try LMDBStore(directory: directory, settings: settings)
        #expect(store.headRoom.acceptableBytes <= 400_000)
        var random = SplitMix(state: 1)
        for extent in (1...extents).shuffled(using: &random) {
            var isComplete = false
            while !isComplete {
                let result = store.batch { PayloadWriter.delete(extent: extent, limit: 20, in: $0) }
                isComplete = try #require(result.released).isComplete
            }
        }
        #expect(try store.read { $0.count(.chunk) } == 0)
        // What it gave up it can take again.
        for number in 0..<3 { _ = store.batch { $0.put(.queue, "k", "\(number)") } }
        #expect(store.headRoom.acceptableBytes > 400_000)
        #expect(add(1, to: store).isDurable)
    }

    /// No promise of the head room covers this: the batch is lost whole, and the store goes on.
    @Test(.enabled(if: canMount, "Mounting a small file system needs root."))
    func aCommitBeyondTheDiskIsFullAndNotFatal() throws {
        let disk = try #require(SmallDisk(mebibytes: 24))
        let store = try LMDBStore(directory: "\(disk.path)/store", settings: settings)
        _ = store.batch { $0.put(.queue, "k", "v") }
        let room = store.headRoom
        let result = store.batch { rows in
            rows.delete(.queue, "k")
            for number in 0..<30 {
                withBytes("big \(number)") { rows.put(.chunk, $0, count: 1 << 20) { $0.copyBytes(from: [1, 2]) } }
            }
        }
        #expect(result.isFull)
        #expect(try store.read { $0.text(.queue, "k") } == "v")
        #expect(store.headRoom.usedBytes == room.usedBytes)
        #expect(store.batch { $0.put(.queue, "k", "w") }.isDurable)
    }
}
