// RefusalTests: certificates that must not pass: each gives its own error on the side that judges, and an alert that
// says so on the other; and the judging again of a peer that passed before.

import NIOCore
import NIOEmbedded
import Testing

@testable import OpenSSLTLS

@Suite struct RefusalTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority("hcm", "vpcp")
    }

    /// The client is bad: the server says what is wrong, the client is told by an alert.
    private func expectClientRefused(
        _ pair: TestPair, _ code: TLSError.Code, alert: UInt8, _ location: SourceLocation = #_sourceLocation
    ) throws {
        try pair.pump()
        #expect(pair.server.recorder.errors.map(\.code) == [code], sourceLocation: location)
        #expect(pair.server.recorder.peer == nil, sourceLocation: location)
        #expect(!pair.server.channel.isActive, sourceLocation: location)
        #expect(pair.client.recorder.errors.map(\.code) == [.refusedByPeer], sourceLocation: location)
        #expect(pair.client.recorder.errors.first?.alert == alert, sourceLocation: location)
        #expect(!pair.client.channel.isActive, sourceLocation: location)
    }

    /// The server is bad: the client says what is wrong, the server is told by an alert.
    private func expectServerRefused(
        _ pair: TestPair, _ code: TLSError.Code, alert: UInt8, _ location: SourceLocation = #_sourceLocation
    ) throws {
        try pair.pump()
        #expect(pair.client.recorder.errors.map(\.code) == [code], sourceLocation: location)
        #expect(pair.client.recorder.peer == nil, sourceLocation: location)
        #expect(pair.server.recorder.errors.map(\.code) == [.refusedByPeer], sourceLocation: location)
        #expect(pair.server.recorder.errors.first?.alert == alert, sourceLocation: location)
    }

    @Test func ofAnUnknownCA() throws {
        let other = try TestAuthority("hcm", "vpcp")
        // Each side trusts one CA only; the one with the stranger's certificate trusts the other side's.
        var stranger = other.configuration("hcm")
        stranger.authorityFile = authority.path("ca.pem")
        let context = try TLSContext(stranger)
        try expectClientRefused(TestPair(context, authority.context("vpcp")), .certificateUntrusted, alert: 48)
        try expectServerRefused(TestPair(authority.context("vpcp"), context), .certificateUntrusted, alert: 48)
    }

    @Test func expired() throws {
        // The bad side's own clock is behind, or it would not start.
        var late = authority.configuration("vpcp")
        late.verificationTime = try authority.context("hcm").ownCertificate.notAfter + 1
        late.certificateChainFile = authority.path("late.pem")
        late.keyFile = authority.path("late.key")
        try authority.issue("late", names: "DNS:late", extra: ["-days", "2000"])
        let judge = try TLSContext(late)
        try expectClientRefused(TestPair(authority.context("hcm"), judge), .certificateExpired, alert: 45)
        try expectServerRefused(TestPair(judge, authority.context("hcm")), .certificateExpired, alert: 45)
    }

    @Test func notYetValid() throws {
        var early = authority.configuration("vpcp")
        early.verificationTime = try authority.context("hcm").ownCertificate.notBefore - 3_600
        let judge = try TLSContext(early)
        #expect(judge.warnings.map(\.kind) == [.ownCertificateNotYetValid])
        let pair = try TestPair(authority.context("hcm"), judge)
        try pair.pump()
        #expect(pair.server.recorder.errors.map(\.code) == [.certificateNotYetValid])
    }

    @Test func revoked() throws {
        try authority.script(["--revoke", "hcm"])
        let hcm = try authority.context("hcm")
        let vpcp = try authority.context("vpcp", withRevocation: true)
        try expectClientRefused(TestPair(hcm, vpcp), .certificateRevoked, alert: 44)
        try expectServerRefused(TestPair(vpcp, hcm), .certificateRevoked, alert: 44)
        let pair = try TestPair(hcm, vpcp)
        try pair.pump()
        #expect(pair.server.recorder.errors.first?.sentence.contains("\"hcm\"") == true)
        #expect(pair.server.recorder.errors.first?.claimed == ["dtn://hcm/"])
    }

    @Test func anExpiredListStillRevokesAndStopsNobodyElse() throws {
        try authority.script(["third", "--revoke", "hcm", "--expire-crl"])
        let vpcp = try authority.context("vpcp", withRevocation: true)
        #expect(vpcp.warnings.map(\.kind) == [.revocationListExpired])
        try expectClientRefused(TestPair(authority.context("hcm"), vpcp), .certificateRevoked, alert: 44)
        let pair = try TestPair(authority.context("third", withRevocation: true), vpcp)
        try pair.pump()
        #expect(pair.server.recorder.peer?.bundleEIDs == ["dtn://third/"])
        #expect(pair.client.recorder.peer?.bundleEIDs == ["dtn://vpcp/"])
    }

    @Test func aPeerWhoseIssuerHasNoList() throws {
        let other = try TestAuthority("hcm")
        var configuration = authority.configuration("vpcp", withRevocation: true)
        configuration.revocationListFile = other.path("crl.pem")
        let judge = try TLSContext(configuration)
        #expect(judge.warnings.map(\.kind) == [.revocationListMissing])
        let pair = try TestPair(authority.context("hcm"), judge)
        try pair.pump()
        #expect(pair.server.recorder.errors.map(\.code) == [.revocationUnknown])
    }

    @Test func aCertificateForAnotherPurpose() throws {
        try authority.issue("mail", names: "DNS:mail\nextendedKeyUsage = emailProtection")
        let mail = try authority.context("mail")
        try expectClientRefused(TestPair(mail, authority.context("vpcp")), .certificateInvalid, alert: 43)
        try expectServerRefused(TestPair(authority.context("vpcp"), mail), .certificateInvalid, alert: 43)
    }

    @Test func aLivePeerIsJudgedAgainByNewSettings() throws {
        let pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        try pair.pump()
        let client = try #require(pair.server.recorder.peer)
        let server = try #require(pair.client.recorder.peer)
        // In two years the list would be past its grace.
        var forgiving = authority.configuration("vpcp", withRevocation: true)
        forgiving.revocationGrace = nil
        let before = try TLSContext(forgiving)
        try before.verify(client)
        try before.verify(server)

        #expect(
            code { () throws(TLSError) in try before.verify(client, at: client.certificate.notAfter + 1) }
                == .certificateExpired)
        #expect(
            code { () throws(TLSError) in try before.verify(client, at: client.certificate.notBefore - 1) }
                == .certificateNotYetValid)
        try before.verify(client, at: client.certificate.notAfter - 1)

        try authority.script(["--revoke", "hcm"])
        try before.verify(client)
        let after = try authority.context("vpcp", withRevocation: true)
        #expect(code { () throws(TLSError) in try after.verify(client) } == .certificateRevoked)
        try after.verify(server)

        let stranger = try TestAuthority("vpcp").context("vpcp")
        #expect(code { () throws(TLSError) in try stranger.verify(client) } == .certificateUntrusted)
        #expect(code { () throws(TLSError) in try after.verify(chain: [], peerRole: .client) } == .certificateMissing)
        #expect(
            code { () throws(TLSError) in try after.verify(chain: [[1, 2, 3]], peerRole: .client) }
                == .certificateInvalid)
    }

    private func code(_ body: () throws(TLSError) -> Void) -> TLSError.Code? {
        do throws(TLSError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }
}
