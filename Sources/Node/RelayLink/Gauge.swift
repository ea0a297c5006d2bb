// Gauge: how many bytes are on their way into the engine and not yet decided on: the program's one measure for back-pressure.
// Links and submitters add what they deliver, the engine releases what it has taken. Above high water they stop reading, below
// low water they go on. Any thread. Cannot fail; releasing more than was added is a bug and traps.

import RelayEngine
import Synchronization
import Trap

public final class Gauge: Sendable {
    public let highWater: Int
    public let lowWater: Int

    private let level = Atomic(0)
    private let isStopped = Atomic(false)
    private let listeners = Mutex<[@Sendable () -> Void]>([])

    /// What an input takes beside its payload; a flood of empty ones must count, too.
    public static let inputBytes = 512

    public init(highWater: Int, lowWater: Int) {
        demand(0 <= lowWater && lowWater < highWater, "Low water lies below high water.")
        self.highWater = highWater
        self.lowWater = lowWater
    }

    /// What a batch weighs, for `add` before its delivery and `release` after it was taken.
    public static func weight(of inputs: some Sequence<EngineInput>) -> Int {
        inputs.reduce(0) { $0 + $1.payloadBytes + $1.valueBytes + inputBytes }
    }

    public var bytes: Int { level.load(ordering: .relaxed) }

    /// True from high water on until low water is reached.
    public var isHigh: Bool { isStopped.load(ordering: .sequentiallyConsistent) }

    /// Is called, on the releasing thread, each time the level has fallen to low water; must be quick.
    public func onLowWater(_ listener: @escaping @Sendable () -> Void) {
        listeners.withLock { $0.append(listener) }
    }

    public func add(_ bytes: Int) {
        let now = level.wrappingAdd(bytes, ordering: .sequentiallyConsistent).newValue
        guard now >= highWater else { return }
        isStopped.store(true, ordering: .sequentiallyConsistent)
        // All of it may have been released before the mark was set; nobody else would take it back then.
        if level.load(ordering: .sequentiallyConsistent) <= lowWater { goOn() }
    }

    public func release(_ bytes: Int) {
        let now = level.wrappingSubtract(bytes, ordering: .sequentiallyConsistent).newValue
        demand(now >= 0, "More was released from the gauge than was added.")
        if now <= lowWater { goOn() }
    }

    private func goOn() {
        guard isStopped.exchange(false, ordering: .sequentiallyConsistent) else { return }
        for listener in listeners.withLock({ $0 }) { listener() }
    }
}
