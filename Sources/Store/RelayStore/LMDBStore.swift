// LMDBStore: the durable store of one node. It owns the environment, the files below it and the pool of readers.
// `batch` runs on the one thread that owns the decisions; `read` and `headRoom` on any. A full map or disk is an
// answer; a failed sync or a damaged file stops the store for good: every later batch answers `.fatal`, and the process
// has to end.

import Glibc
import LMDB
import RelayRows
import Synchronization
import Trap

/// Unchecked Sendable: `files`, `space`, `outside`, `compaction` and `stopped` belong to the batch that runs, and
/// `isInBatch` traps a second one; all else is immutable or has its own lock.
public final class LMDBStore: DurableStore, @unchecked Sendable {
    public let settings: StoreSettings
    public let directory: String
    let environment: Environment
    let databases: TableDatabases
    let readers: ReaderPool
    private let files: StoreFiles
    private let isInBatch = Atomic(false)
    private let room: Mutex<HeadRoom>
    private(set) var space = Space()
    private var outside = OutsideReaders()
    var compaction = Compaction()
    private var pinned = PinnedPages()
    private let freedPages = Atomic<UInt64>(0)
    private var stopped: String?
    /// When this opening found the note of a stop.
    private var stopNotedAt: UInt64?
    /// Damage that a look beside the writer has found: the next batch ends the process.
    private let foundDamage = Mutex<String?>(nil)
    /// False: time did not suffice to look through the file before it was opened (`lookThrough`).
    public let isLookedThrough: Bool
    /// What was mended before anything was decided.
    public let findings: OpeningFindings

    /// Opens the store in `directory`, and creates it when it is not there.
    public init(directory: String, settings: StoreSettings) throws(StoreFailure) {
        try StorePlace.refuseEmptyBesideLeftovers(directory)
        let lock = try StoreFiles.lock(directory: directory)
        let anatomy: StoreAnatomy
        do throws(StoreFailure) {
            let patience = try StopNote.judge(directory, usual: settings.lookMilliseconds)
            anatomy = try StoreOpening.look(directory, milliseconds: patience)
        } catch {
            StoreFiles.unlock(lock)
            throw error
        }
        do throws(LMDBError) {
            // Beside the pool's readers, slots for an operator's mdb_stat and the like.
            environment = try Environment(
                directory: directory, mapBytes: settings.mapBytes, tables: UInt32(Table.allCases.count),
                readers: UInt32(clamping: settings.readers + 16))
            _ = try environment.releaseDeadReaders()
        } catch {
            StoreFiles.unlock(lock)
            throw StoreFailure(error, opening: directory)
        }
        isLookedThrough = !anatomy.isCutShort
        files = try StoreFiles(directory: directory, lock: lock)
        databases = try StoreIdentity.openTables(of: environment, in: directory, for: settings.node)
        readers = ReaderPool(environment: environment, databases: databases, count: settings.readers)
        room = Mutex(HeadRoom(freeBytes: 0, reserveBytes: settings.effectiveReserveBytes, usedBytes: 0))
        self.settings = settings
        self.directory = directory
        do throws(LMDBError) {
            findings = try StoreOpening.mend(anatomy, environment, databases)
        } catch {
            throw StoreFailure(error, opening: directory)
        }
        do throws(LMDBError) {
            space = try measure()
        } catch {
            throw StoreFailure(error, opening: directory)
        }
        if StopNote.read(directory) != nil { stopNotedAt = StoreOpening.now() }
        makeRoom()
        publishHeadRoom()
    }

    /// Looks through the trees of the last commit, and the list of free pages, beside everything else: page by page by reads of the file, for
    /// at most so long. The snapshot keeps pages from being used again meanwhile. A fault ends the process with the next batch: what is
    /// in use may be written over. The next opening finds it again, and refuses. Nil: the state could not be got hold of.
    public func lookThrough(milliseconds: UInt64) -> StoreAnatomy? {
        let path = directory + "/" + StorePlace.data
        var isSecond = false
        for _ in 0..<Self.looksMax {
            let end = StoreOpening.now() + milliseconds
            let found = try? readers.read { handle, _ throws(LMDBError) -> StoreAnatomy? in
                guard let pages = try? StorePages(path: path) else { return nil }
                var look = AnatomyLook(pages: pages, snapshot: handle.number) { StoreOpening.now() < end }
                look.run()
                return look.found
            }
            guard let found = found ?? nil else { return nil }
            if found.pages == 0, found.isCutShort { continue }
            if let fault = found.fault {
                // A head that is being written is read half old and half new: damage is what a second state shows as well.
                guard isSecond else {
                    isSecond = true
                    continue
                }
                let sentence = StoreOpening.sentence(directory, fault, found.faultPage)
                foundDamage.withLock { $0 = sentence }
            }
            return found
        }
        return nil
    }

    /// Two commits in a row write over the head of a snapshot: another one is tried.
    private static let looksMax = 20

    /// The program before this one ended by a fault: noted before the next opening, which is refused when that has happened too often.
    /// `envelope`: what the thread had in hand, which is set aside or held for it; a program that ends over another one each time gets on.
    /// A check that failed is the program's own, and may be about a question: it is given more trials than a fault.
    public static func noteFault(_ directory: String, signal: Int32, said sentence: String?, envelope: UInt64?) {
        let isCheck = ![SIGBUS, SIGSEGV].contains(signal)
        let why =
            switch (envelope, sentence) {
            case (nil, nil): "the program ended by a fault, signal \(signal)."
            case (nil, let said?): "the program ended by a fault, signal \(signal): \(said)."
            case (let number?, nil): "the program ended by a fault, signal \(signal), with envelope \(number) in hand."
            case (let number?, let said?):
                "the program ended by a fault, signal \(signal), with envelope \(number) in hand: \(said)."
            }
        StopNote.write(
            directory, why, limit: isCheck ? 5 : StopNote.usualLimit, isCountedAlone: envelope != nil)
    }

    // MARK: The writer

    public func batch<Effects>(_ body: (any StoreTransaction) -> Effects) -> CommitResult<Effects> {
        demand(
            !isInBatch.exchange(true, ordering: .acquiring), "Two batches at a time: the store has one writer.")
        defer { isInBatch.store(false, ordering: .releasing) }
        if let damage = foundDamage.withLock({ $0 }), stopped == nil {
            StopNote.write(directory, damage)
            stopped = damage
        }
        if let stopped { return .fatal(stopped) }
        do throws(LMDBError) {
            outside.releaseDead(of: environment)
            makeRoom()
            let transaction = LMDBTransaction(try environment.beginWrite(), databases, runs: space.runs)
            let effects = body(transaction)
            if let failure = transaction.failure {
                transaction.abort()
                throw failure
            }
            if transaction.rowsChanged == 0 {
                transaction.abort()
                return .unchanged(effects)
            }
            try commit(transaction)
            try measureAgain()
            forgetStop()
            return .durable(effects)
        } catch {
            return settle(error)
        }
    }

    /// It has run long enough since.
    private func forgetStop() {
        guard let time = stopNotedAt, StoreOpening.now() > time + StopNote.patienceMilliseconds else { return }
        StopNote.remove(directory)
        stopNotedAt = nil
    }

    /// Every error of a commit is fatal, but that there was no room for the pages: then nothing was synced.
    func commit(_ transaction: LMDBTransaction) throws(LMDBError) {
        do throws(LMDBError) {
            try transaction.commit()
        } catch {
            // LMDB 0.9 calls a write that the full disk cut short an I/O error. A sync that failed shows in
            // `hasLostWrites`, and a meta page that could not be written in the next beginning (`settle`).
            let isFull = error.fate == .full || (error.code == EIO && files.isDiskFull)
            if !isFull || files.hasLostWrites() {
                if error.fate == .invalid { StopNote.write(directory, error.sentence) }
                stopped = "A commit failed and it is not known what is on disk. \(error.sentence)"
                throw error
            }
            files.trim()
            throw .noSpace
        }
    }

    func settle<Effects>(_ error: LMDBError) -> CommitResult<Effects> {
        if stopped == nil, error.fate == .full {
            // LMDB remembers a meta page that it could not write and refuses every transaction after it.
            do throws(LMDBError) {
                _ = try environment.beginWrite()
                return .full("The store has no room: \(error.sentence)")
            } catch {
                stopped = "The store cannot begin a transaction. \(error.sentence)"
            }
        }
        let sentence = stopped ?? "The store cannot go on. \(error.sentence)"
        if stopped == nil, error.fate == .invalid { StopNote.write(directory, error.sentence) }
        stopped = sentence
        return .fatal(sentence)
    }

    /// Snapshots of programs outside that had died and were released since the last question. On the writer's thread.
    public func takeReleasedReaders() -> Int { outside.takeReleased() }

    // MARK: Readers

    public func read<Result>(_ body: (any RowReader) -> Result) throws(StoreFailure) -> Result {
        do throws(LMDBError) {
            return try readers.read { (_, reader) throws(LMDBError) in body(reader) }
        } catch {
            throw StoreFailure(.damaged, "The store cannot be read: \(error.sentence)")
        }
    }

    // MARK: Room

    public var headRoom: HeadRoom { room.withLock { $0 } }

    /// Length of the data file, blocks allocated ahead included. On the writer's thread only.
    public var fileBytes: UInt64 { files.dataBytes }

    /// Where the pages that were ever in use end. On the writer's thread only.
    public var pagesEndBytes: UInt64 { space.endBytes }

    /// Pages as the last commit left them.
    struct Space {
        var mapBytes: UInt64 = 0
        /// Where the data file's pages end: none beyond was ever written.
        var endBytes: UInt64 = 0
        /// Pages that rows and trees take.
        var usedBytes: UInt64 = 0
        /// Pages that are free, but not yet for the next batch.
        var pinnedBytes: UInt64 = 0
        /// How the free pages lie, when rows have to do with them; nil while there is room behind the last page.
        var runs: FreeRuns?
        /// Free pages that the next batch can use.
        var reusableBytes: UInt64 { endBytes.minus(usedBytes).minus(pinnedBytes) }
    }

    /// Exact and cheap, whatever the store holds: every table knows its pages, the rest of the file is free, and of the
    /// free list only the newest entries are read.
    private func measure() throws(LMDBError) -> Space {
        let oldest = try outside.look(at: environment)
        return try readers.read { (handle, _) throws(LMDBError) in
            let info = environment.info
            // The next transaction may use the pages that were freed before the last one, or before the oldest
            // snapshot.
            let limit = min(handle.number, oldest ?? .max)
            let page = environment.pageBytes
            freedPages.add(try handle.pagesFreed(since: handle.number), ordering: .relaxed)
            try pinned.count(since: limit, upTo: handle)
            var space = Space(
                mapBytes: info.mapBytes, endBytes: (info.lastPage + 1) * page,
                usedBytes: try databases.usedPages(in: handle) * page,
                pinnedBytes: pinned.pages * page)
            if isTight(space) { space.runs = try freeRuns(info, before: limit, isWhole: false, in: handle) }
            return space
        }
    }

    /// Behind every commit.
    func measureAgain() throws(LMDBError) {
        space = try measure()
        publishHeadRoom()
    }

    /// `limit`: records of transactions from this one on are not for the next writer yet.
    func freeRuns(
        _ info: EnvironmentInfo, before limit: UInt64, isWhole: Bool, in handle: TransactionHandle
    ) throws(LMDBError) -> FreeRuns {
        try FreeRuns(endPages: info.lastPage + 1, isWhole: isWhole) { (body) throws(LMDBError) in
            try handle.freeRecords(before: limit, body)
        }
    }

    /// What lies behind the last page that was ever used: the only place where any row finds its pages side by side.
    private func tailBytes(_ space: Space) -> UInt64 {
        let own = files.dataBytes.minus(space.endBytes)
        return min(space.mapBytes.minus(space.endBytes), own.plus(files.diskBytes))
    }

    /// What is accepted keeps away from the tail when it is no longer than the reserve and one batch more: what drains needs it, for
    /// rows of several pages and for LMDB's records of free pages.
    private func isTight(_ space: Space) -> Bool {
        tailBytes(space) < settings.effectiveReserveBytes.plus(settings.aheadBytes)
    }

    /// Pages that one snapshot keeps from being used again. Each commit adds one entry to LMDB's list, which does not change while the
    /// snapshot is held: only the new ones are read, however long that is.
    private struct PinnedPages {
        private(set) var pages: UInt64 = 0
        private var since: UInt64 = .max
        private var through: UInt64 = 0

        mutating func count(since limit: UInt64, upTo handle: TransactionHandle) throws(LMDBError) {
            if limit == since, through <= handle.number {
                pages += try handle.pagesFreed(since: through + 1)
            } else {
                pages = try handle.pagesFreed(since: limit)
            }
            since = limit
            through = handle.number
        }
    }

    /// Bytes of pages that the batches since opening have freed: what a long reader keeps from being used again.
    public var freedBytes: UInt64 { freedPages.load(ordering: .relaxed) * environment.pageBytes }

    /// Lengthens the data file before a batch might need it, and uses the ballast up when a drain depends on it.
    private func makeRoom() {
        let reserve = settings.effectiveReserveBytes
        let ballast = settings.effectiveBallastBytes
        let wanted = min(space.mapBytes, space.endBytes.plus(settings.aheadBytes))
        if files.dataBytes >= wanted {
            if files.ballastBytes < ballast, reachableBytes >= reserve {
                files.raiseBallast(to: ballast, slack: settings.growthBytes)
            }
            return
        }
        let goal = min(space.mapBytes, max(wanted, files.dataBytes.plus(settings.growthBytes)))
        files.grow(to: goal)
        if files.dataBytes < wanted, reachableBytes < reserve / 2, files.ballastBytes > 0 {
            files.dropBallast()
            files.grow(to: wanted)
        }
    }

    /// What batches can take without another block of the disk.
    private var reachableBytes: UInt64 { files.dataBytes.minus(space.endBytes).plus(space.reusableBytes) }

    private func publishHeadRoom() {
        let beyond = space.mapBytes.minus(max(files.dataBytes, space.endBytes))
        let free = reachableBytes.plus(min(beyond, files.diskBytes))
        var now = HeadRoom(
            freeBytes: free, reserveBytes: settings.effectiveReserveBytes, usedBytes: space.usedBytes)
        now.isTight = space.runs != nil
        now.longestRunBytes = max(UInt64(space.runs?.longest ?? 0) * environment.pageBytes, tailBytes(space))
        now.pinnedBytes = space.pinnedBytes
        now.oldReader = outside.oldest
        room.withLock { $0 = now }
    }
}

extension UInt64 {
    /// Not below zero: the figures come from different calls.
    fileprivate func minus(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }

    fileprivate func plus(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
