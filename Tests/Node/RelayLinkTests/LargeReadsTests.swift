// LargeReadsTests: so many sessions read much at a time, and no more: their buffers are bounded whatever the number of sessions.

import RelayModel
import Testing

@testable import RelayLink

struct LargeReadsTests {
    @Test func aPlaceIsGivenBack() throws {
        let registry = LinkRegistry(LinkPolicy(node: try #require(NodeID(name: "a")), tls: nil, peers: []))
        for _ in 0..<LinkSockets.largeReadersMax { #expect(registry.takeLargeReads()) }
        #expect(!registry.takeLargeReads())
        registry.returnLargeReads()
        #expect(registry.takeLargeReads())
        #expect(!registry.takeLargeReads())
        #expect(LinkSockets.largeReadersMax * LinkSockets.largeReadBytes <= 16 << 20)
    }

    /// With its heads a pump stays one buffer of TLS.
    @Test func aPumpIsOneWrite() {
        #expect(LinkHandler.pumpBytes + 4_096 <= 15 * 16_384)
    }
}
