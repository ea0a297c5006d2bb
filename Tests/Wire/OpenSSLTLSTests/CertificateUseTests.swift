// CertificateUseTests: what a certificate may be used for (RFC 9174, 4.4.2), how long a revocation list is good after its end, and what is pinned.

import NIOCore
import NIOEmbedded
import Testing

@testable import OpenSSLTLS

@Suite struct CertificateUseTests {
    private let authority: TestAuthority

    init() throws { authority = try TestAuthority("hcm", "vpcp") }

    private func isAccepted(_ node: String, as role: TLSRole) throws -> Bool {
        let (own, other) = (try authority.context(node), try authority.context("vpcp"))
        let pair = try role == .client ? TestPair(own, other) : TestPair(other, own)
        try pair.pump()
        let judge = role == .client ? pair.server : pair.client
        guard let peer = judge.recorder.peer else {
            #expect(judge.recorder.errors.map(\.code) == [.certificateInvalid], "\(node)")
            return false
        }
        // A living session is judged alike.
        try other.verify(peer)
        return true
    }

    @Test(arguments: [
        ("extendedKeyUsage = 1.3.6.1.5.5.7.3.35", true, true),
        ("extendedKeyUsage = critical, 1.3.6.1.5.5.7.3.35", true, true),
        ("extendedKeyUsage = serverAuth, clientAuth", true, true), ("extendedKeyUsage = serverAuth", true, false),
        ("extendedKeyUsage = clientAuth", false, true), ("extendedKeyUsage = anyExtendedKeyUsage", true, true),
        ("keyUsage = digitalSignature", true, true),
        ("extendedKeyUsage = codeSigning", false, false),
    ])
    func uses(_ line: String, asServer: Bool, asClient: Bool) throws {
        try authority.issue("used", names: "DNS:used\n\(line)")
        #expect(try isAccepted("used", as: .server) == asServer)
        #expect(try isAccepted("used", as: .client) == asClient)
    }

    @Test func aLivingPeerIsJudgedByItsUse() throws {
        try authority.issue("server", names: "DNS:server\nextendedKeyUsage = serverAuth")
        let pair = try TestPair(authority.context("vpcp"), authority.context("server"))
        try pair.pump()
        let peer = try #require(pair.client.recorder.peer)
        let judge = try authority.context("vpcp")
        try judge.verify(chain: peer.chain, peerRole: .server)
        #expect(throws: TLSError.self) { try judge.verify(chain: peer.chain, peerRole: .client) }
    }

    /// The list ended yesterday.
    @Test func aListIsGoodForAGrace() throws {
        try authority.script(["--expire-crl"])
        let day: Int64 = 86_400
        for (grace, later, isGood) in [
            (30 * day, 0, true), (30 * day, 28 * day, true), (30 * day, 30 * day, false), (0, 0, false),
            (2 * day, 0, true), (nil, 30 * day, true),
        ] as [(Int64?, Int64, Bool)] {
            var configuration = authority.configuration("vpcp", withRevocation: true)
            configuration.revocationGrace = grace
            let plain = try TLSContext(configuration)
            let update = try #require(plain.trustDates.revocationListUpdate)
            configuration.verificationTime = update + day + later
            let judge = try TLSContext(configuration)
            let pair = try TestPair(authority.context("hcm"), judge)
            try pair.pump()
            #expect((pair.server.recorder.peer != nil) == isGood, "\(grace ?? -1) \(later)")
            if !isGood { #expect(pair.server.recorder.errors.map(\.code) == [.revocationUnknown]) }
        }
    }

    @Test func whatIsAgreedOnIsPinned() throws {
        let pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        try pair.pump()
        #expect(pair.client.recorder.peer?.cipher == "TLS_AES_256_GCM_SHA384")
        #expect(pair.server.recorder.peer?.cipher == "TLS_AES_256_GCM_SHA384")
    }
}
