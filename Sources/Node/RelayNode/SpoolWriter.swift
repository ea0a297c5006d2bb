// SpoolWriter: does the steps of hand-overs, those of a directory together and on its thread (SpoolWorkers), so that a slow or dead disk of
// an agency holds up nobody else, and the engine never. It decides nothing: each step is one that the core has ordered after its commit,
// and the answers of a group go back as events of one batch.

import NIOCore
import NIOPosix
import RelayCore
import RelayEngine
import RelayStore

final class SpoolWriter: Sendable {
    /// How often somebody looks whether all threads show signs of life.
    private static let lookEvery = TimeAmount.milliseconds(500)

    private let workers: SpoolWorkers

    init(store: LMDBStore, inHand: InHand?, report: @escaping @Sendable ([EngineInput]) -> Void) {
        let source = DocumentSource(store: store)
        workers = SpoolWorkers(report: report) { steps, pulse in
            SpoolGroup(source: source, pulse: pulse) { inHand?.hold($0) }.run(steps)
        }
    }

    /// On the engine's thread; does not wait.
    func perform(_ steps: [HandOver]) { workers.perform(steps) }

    /// What was ordered and not begun is void.
    func reset() { workers.reset() }

    /// A large document on a slow disk does not hold up the end of the process; it is written anew after the next start.
    func stop() { workers.stop() }

    /// False when a thread is still waiting for its disk after that time.
    func ended(within patience: TimeAmount) async -> Bool {
        // A thread may end after the node's own loops.
        await workers.ended(within: patience, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    /// Looks, for as long as the loop runs, whether all threads show signs of life.
    func watch(on loop: any EventLoop) {
        loop.scheduleRepeatedTask(initialDelay: Self.lookEvery, delay: Self.lookEvery) { [workers] _ in workers.look() }
    }
}
