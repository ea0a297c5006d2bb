// EngineBorder: what the links know of the rest of the program: where to put inputs, how full the engine is, where payload
// lies, what time it is. Closures, called on event loops; they must be quick and must not block on the engine.

import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelayStore

public struct EngineBorder: Sendable {
    /// Puts a batch into the engine's mailbox; its weight has been added to the gauge, and the engine releases it.
    public var deliver: @Sendable ([EngineInput]) -> Void
    public var gauge: Gauge
    public var payload: PayloadSource
    /// The residence clock.
    public var now: @Sendable () -> RelayTime
    /// Lines for the operator that do not come from the engine.
    public var log: @Sendable ([Notice]) -> Void
    /// Notes which envelope the calling loop has in hand, for the case of a crash; 0 when none.
    public var inHand: @Sendable (UInt64) -> Void
    /// What to tell a neighbour in SESS_INIT: as the last durable batch left it.
    public var greet: @Sendable (NodeID?) -> Greeting?

    public init(
        deliver: @escaping @Sendable ([EngineInput]) -> Void, gauge: Gauge, payload: PayloadSource,
        now: @escaping @Sendable () -> RelayTime, log: @escaping @Sendable ([Notice]) -> Void,
        inHand: @escaping @Sendable (UInt64) -> Void = { _ in },
        greet: @escaping @Sendable (NodeID?) -> Greeting? = { _ in nil }
    ) {
        self.deliver = deliver
        self.gauge = gauge
        self.payload = payload
        self.now = now
        self.log = log
        self.inHand = inHand
        self.greet = greet
    }
}

/// Short read transactions of the store.
public struct PayloadSource: Sendable {
    let read: @Sendable ((any RowReader) -> Void) throws(StoreFailure) -> Void

    public init(_ read: @escaping @Sendable ((any RowReader) -> Void) throws(StoreFailure) -> Void) {
        self.read = read
    }

    public init(_ store: some DurableStore & Sendable) {
        read = { (body: (any RowReader) -> Void) throws(StoreFailure) in try store.read(body) }
    }
}
