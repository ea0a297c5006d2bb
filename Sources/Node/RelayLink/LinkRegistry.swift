// LinkRegistry: the living sessions and where each runs. It carries effects from the engine's thread to the sessions' event
// loops, one hand-over a loop and batch, and holds the policy that new sessions begin with. Any thread. Effects for a session
// that is gone fall to the ground: its end, which the engine has or will get, says what became of them.

import NIOCore
import RelayCore
import RelayModel
import Synchronization

final class LinkRegistry: Sendable {
    struct Entry: Sendable {
        let handler: NIOLoopBound<LinkHandler>
        let record: SessionRecord
        let channel: any Channel
    }

    private struct State {
        var policy: LinkPolicy
        var entries: [Ticket: Entry] = [:]
        var places: SessionPlaces
        var taps: [WireTap] = []
        var isStopping = false
        /// Sessions that read much at a time.
        var largeReaders = 0
    }

    private let state: Mutex<State>
    let memory: SessionMemory

    init(_ policy: LinkPolicy) {
        var places = SessionPlaces(policy.places)
        places.configure(policy.addresses)
        state = Mutex(State(policy: policy, places: places))
        memory = SessionMemory(max: policy.settings.memoryMax)
    }

    var policy: LinkPolicy { state.withLock { $0.policy } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// In the order in which the sessions began.
    var records: [SessionInfo] {
        entries.map(\.record.current).sorted { $0.session < $1.session }
    }

    var entries: [Entry] { state.withLock { Array($0.entries.values) } }

    /// Who holds the places of accepted sessions.
    var places: SessionPlaces { state.withLock { $0.places } }

    /// Enters a session. Answers whether it may begin, and which strangers have to go for it. `dialled`: whom it was dialled to.
    func add(
        _ session: Ticket, _ handler: NIOLoopBound<LinkHandler>, _ record: SessionRecord, _ channel: any Channel,
        dialled: NodeID?
    ) -> (isWelcome: Bool, gone: [Entry]) {
        let info = record.current
        return state.withLock { state in
            state.entries[session] = Entry(handler: handler, record: record, channel: channel)
            guard !info.isDialled else {
                if let dialled { state.places.dialled(dialled, at: info.address) }
                return (!state.isStopping, [])
            }
            let gone = state.places.came(session, from: info.address).compactMap { state.entries[$0] }
            return (!state.isStopping, gone)
        }
    }

    /// An accepted session has proven whose it is. Nil when it has a place.
    func proved(_ session: Ticket, to be: NodeID) -> SessionPlaces.Refusal? {
        state.withLock { $0.places.proved(session, to: be) }
    }

    func remove(_ session: Ticket) {
        state.withLock { state in
            state.entries[session] = nil
            state.places.leave(session)
        }
    }

    /// A session that sends much may read much at a time, if not too many do.
    func takeLargeReads() -> Bool {
        state.withLock { state in
            guard state.largeReaders < LinkSockets.largeReadersMax else { return false }
            state.largeReaders += 1
            return true
        }
    }

    func returnLargeReads() { state.withLock { $0.largeReaders -= 1 } }

    func stop() -> [Entry] {
        state.withLock { state in
            state.isStopping = true
            return Array(state.entries.values)
        }
    }

    // MARK: Watching

    func taps(of peer: NodeID) -> [WireTap] { state.withLock { $0.taps.filter { $0.peer == peer } } }

    func add(_ tap: WireTap) {
        state.withLock { $0.taps.append(tap) }
        onLoops { $0.watch(tap) }
    }

    func remove(_ tap: WireTap) {
        state.withLock { state in state.taps.removeAll { $0 === tap } }
        onLoops { $0.unwatch(tap) }
    }

    func replacePolicy(_ policy: LinkPolicy) {
        memory.setMax(policy.settings.memoryMax)
        state.withLock { state in
            state.policy = policy
            state.places.bounds = policy.places
            state.places.configure(policy.addresses)
        }
    }

    // MARK: - To the loops

    /// What one loop is to do for a batch.
    private struct LoopWork {
        let loop: any EventLoop
        var handlers: [NIOLoopBound<LinkHandler>] = []
        var effects: [[Effect]] = []
        /// The places of the sessions in both lists.
        var places: [Ticket: Int] = [:]

        mutating func add(_ effect: Effect, for session: Ticket, _ handler: NIOLoopBound<LinkHandler>) {
            if let place = places[session] {
                effects[place].append(effect)
            } else {
                places[session] = effects.count
                handlers.append(handler)
                effects.append([effect])
            }
        }
    }

    /// Hands effects to their sessions, in order. Effects that are for no session are left to others.
    func perform(_ effects: [Effect]) {
        var works: [LoopWork] = []
        state.withLock { state in
            for effect in effects {
                guard let session = effect.session, let entry = state.entries[session] else { continue }
                let loop = entry.handler.eventLoop
                if let index = works.firstIndex(where: { $0.loop === loop }) {
                    works[index].add(effect, for: session, entry.handler)
                } else {
                    var work = LoopWork(loop: loop)
                    work.add(effect, for: session, entry.handler)
                    works.append(work)
                }
            }
        }
        for work in works {
            let (handlers, effects) = (work.handlers, work.effects)
            work.loop.execute {
                for (handler, effects) in zip(handlers, effects) { handler.value.perform(effects) }
            }
        }
    }

    /// Runs `body` for every session on its loop, one hand-over a loop.
    func onLoops(of entries: [Entry]? = nil, _ body: @escaping @Sendable (LinkHandler) -> Void) {
        var loops: [(loop: any EventLoop, handlers: [NIOLoopBound<LinkHandler>])] = []
        for entry in entries ?? self.entries {
            if let index = loops.firstIndex(where: { $0.loop === entry.handler.eventLoop }) {
                loops[index].handlers.append(entry.handler)
            } else {
                loops.append((entry.handler.eventLoop, [entry.handler]))
            }
        }
        for (loop, handlers) in loops {
            loop.execute {
                for handler in handlers { body(handler.value) }
            }
        }
    }
}

extension Effect {
    /// The session that the effect is for.
    fileprivate var session: Ticket? {
        switch self {
        case .acknowledge(let session, _), .refuse(let session, _, _, _, _), .endSession(let session, _): session
        case .probe(let session), .endTwin(let session, _), .recall(let session, _): session
        case .send(let dispatch): dispatch.session
        case .dial, .verify, .answerSubmission, .answerInbox, .answerOperation, .handOver, .drained, .notice,
            .auditHead,
            .answerRestore, .reply:
            nil
        }
    }
}
