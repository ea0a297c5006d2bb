// LoopTasks: the task of a connection on the connection's own event loop. Each step of a request is then a step of the loop, without a change
// of thread there and back. For what is short and asked a thousand times: all else stays with Swift's own threads, or it would be in
// the way of the loop's other connections. Cannot fail; owned by the task that prefers it.

import NIOCore

final class LoopTasks: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Whether a path is answered on the loop: a document of an inbox, and its acknowledgement.
    static func answers(_ path: String) -> Bool {
        path.hasPrefix("/v1/inbox/") && path.utf8.dropFirst("/v1/inbox/".utf8.count).contains(UInt8(ascii: "/"))
    }
}
