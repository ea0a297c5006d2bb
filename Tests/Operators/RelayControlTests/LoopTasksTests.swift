// LoopTasksTests: what is answered on a connection's own loop: what is short, and nothing else.

import Testing

@testable import RelayControl

struct LoopTasksTests {
    @Test(arguments: ["/v1/inbox/H29/hcm-1@2", "/v1/inbox/H29/ack"]) func isShort(path: String) {
        #expect(LoopTasks.answers(path))
    }

    @Test(arguments: ["/v1/inbox/H29", "/v1/inbox", "/v1/submit", "/v1/status", "/v1/envelopes/a/b", ""])
    func isNot(path: String) {
        #expect(!LoopTasks.answers(path))
    }
}
